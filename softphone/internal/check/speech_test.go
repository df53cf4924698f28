package check

import (
	"math"
	"math/rand/v2"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
	"callcenter/softphone/internal/replay"
)

// bursts is noise of that RMS, in dBFS, for on seconds and off seconds in turn, 8 s
// in all, over a room of -70 dBFS.
func bursts(dBFS, on, off float64) []int16 {
	rnd := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, 8*audio.Rate)
	rms := math.MaxInt16 * math.Pow(10, dBFS/20)
	for i := range pcm {
		x := 10 * rnd.NormFloat64()
		if at := math.Mod(float64(i)/audio.Rate, on+off); at < on {
			x += rms * rnd.NormFloat64()
		}
		pcm[i] = int16(math.Round(max(-math.MaxInt16, min(x, math.MaxInt16))))
	}
	return pcm
}

func TestTheLevelOfActiveSpeechIsThatWithoutItsPauses(t *testing.T) {
	for _, want := range []float64{-16, -22, -28, -40} {
		for _, pause := range []float64{0, 0.5, 2} {
			s := activeSpeech(bursts(want, 1, pause))
			if math.Abs(s.active-want) > 1.2 { // of 1 s bursts the hangover makes 1.2 s: 0.8 dB less
				t.Errorf("%.0f dBFS with pauses of %.1f s are measured as %.2f dBFS, %.2f of the time", want, pause, s.active, s.share)
			}
			t.Logf("%.0f dBFS, pauses %.1f s: %+.2f dB off, share %.2f", want, pause, s.active-want, s.share)
		}
	}
}

func TestAVoiceThatIsTurnedUpIsAsMuchLouder(t *testing.T) {
	v := replay.NewVoice(3)
	pcm := make([]int16, 8*audio.Rate)
	v.Fill(pcm)
	loud := activeSpeech(pcm)
	for i := range pcm {
		pcm[i] /= 4
	}
	if d := loud.active - activeSpeech(pcm).active; math.Abs(d-12.04) > 0.3 {
		t.Errorf("a quarter is %.2f dB less", d)
	}
}

func TestWhatIsBelow300HzIsNoSpeech(t *testing.T) {
	hum := activeSpeech(audiotest.Sine(4*audio.Rate, 100, 8000))
	tone := activeSpeech(audiotest.Sine(4*audio.Rate, 1000, 8000))
	if hum.active > tone.active-18 || math.Abs(tone.active-(level.DBFS(8000)-3.01)) > 0.3 {
		t.Errorf("100 Hz: %.1f dBFS, 1 kHz: %.1f dBFS", hum.active, tone.active)
	}
}

func TestNothingIsNoSpeech(t *testing.T) {
	if s := activeSpeech(make([]int16, audio.Rate)); s.active != level.Floor || s.share != 0 {
		t.Errorf("zeros: %+v", s)
	}
	if s := activeSpeech(nil); s.active != level.Floor {
		t.Errorf("no samples: %+v", s)
	}
}

func TestTheNoiseFloorLeavesACoughOutAndTheOffset(t *testing.T) {
	for _, want := range []float64{-75, -60, -45, -30} {
		pcm := bursts(want, 8, 0)[:4*audio.Rate]
		for i := range pcm {
			pcm[i] += 900
			if i > audio.Rate && i < 2*audio.Rate {
				pcm[i] = int16(4000 * math.Sin(float64(i)/10)) // a cough of 1 s
			}
		}
		room := 20 * math.Log10(math.Hypot(10, math.MaxInt16*math.Pow(10, want/20))/math.MaxInt16)
		if got := noiseFloor(pcm); math.Abs(got-room) > 0.3 {
			t.Errorf("%.1f dBFS are measured as %.2f dBFS", room, got)
		}
	}
	if got := noiseFloor(make([]int16, audio.Rate)); got != level.Floor {
		t.Errorf("zeros are %.1f dBFS", got)
	}
	if got := noiseFloor(nil); got != level.Floor {
		t.Errorf("no samples are %.1f dBFS", got)
	}
}

func TestRumbleThatACallTakesOffIsNoNoise(t *testing.T) {
	if got := noiseFloor(audiotest.Sine(2*audio.Rate, 30, 580)); got > noisy {
		t.Errorf("a rumble of 30 Hz at -38 dBFS counts as noise of %.1f dBFS", got)
	}
}

func TestClippingIsFoundOfEitherPolarity(t *testing.T) {
	up := audiotest.Sine(audio.Rate, 440, 16000)
	down := audiotest.Sine(audio.Rate, 440, 16000)
	both := audiotest.Sine(audio.Rate, 440, 20000)
	flat := audiotest.Sine(audio.Rate, 440, 20000)
	for i := range up {
		up[i] = int16(min(int(up[i])+20000, math.MaxInt16))
		down[i] = int16(max(int(down[i])-20000, math.MinInt16))
		both[i] = int16(max(min(2*int(both[i]), math.MaxInt16), math.MinInt16))
		flat[i] = min(flat[i], 12000)
	}
	for name, c := range map[string]struct {
		pcm                []int16
		above, below, tops bool
	}{
		"above": {up, true, false, false}, "below": {down, false, true, false}, "both": {both, true, true, false},
		"flat tops": {flat, false, false, true}, "a loud tone": {audiotest.Sine(audio.Rate, 440, 30000), false, false, false},
		"a slow hum": {audiotest.Sine(audio.Rate, 20, 3000), false, false, false},
		"a voice":    {audiotest.Speech(4*audio.Rate, 3), false, false, false},
		"nothing":    {nil, false, false, false},
	} {
		got := findClipping(c.pcm)
		if (got.above > 0) != c.above || (got.below > 0) != c.below || got.flat() != c.tops {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
