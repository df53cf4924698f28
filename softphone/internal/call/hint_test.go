package call

import (
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/file"
	"callcenter/audio/level"
	"callcenter/softphone/internal/replay"
)

// muter listens to a microphone frame by frame, as the uplink does.
type muter struct {
	hint  mutedTalk
	voice level.Voice
	now   time.Duration
	frame int
	shown []time.Duration // when the hint came
	on    bool
}

func (m *muter) listen(pcm []int16, muted bool) {
	for part := range slices.Chunk(pcm, m.frame) {
		m.now += audio.Duration(len(part))
		m.hint.add(part, m.voice.Add(part), muted, m.now)
		on := m.hint.shown(m.now)
		if on && !m.on {
			m.shown = append(m.shown, m.now)
		}
		m.on = on
	}
}

// at brings pcm to a level of its loud parts, in dBFS RMS.
func at(dBFS float64, pcm []int16) []int16 {
	now, _ := active(pcm)
	out := slices.Clone(pcm)
	for i, x := range out {
		out[i] = int16(min(max(float64(x)*math.Pow(10, (dBFS-now)/20), -32767), 32767))
	}
	return out
}

// room is a quiet room.
func room(n int) []int16 { return audiotest.Noise(n, 40, 3) }

// with adds what happens in a room to it, from a second on, repeatedly.
func with(n int, every time.Duration, sound func(i int) []int16) []int16 {
	pcm := room(n)
	for i, from := 0, second; from < n; i, from = i+1, from+audio.Samples(every) {
		for j, x := range sound(i) {
			if from+j < n {
				pcm[from+j] = int16(min(max(int(pcm[from+j])+int(x), -32767), 32767))
			}
		}
	}
	return pcm
}

// burst is n samples of made-up sound with a fast attack and a decay.
func burst(n int, peak float64, decay time.Duration, wave func(i int) float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		gain := math.Exp(-float64(i) / float64(audio.Samples(decay)))
		pcm[i] = int16(peak * gain * wave(i))
	}
	return pcm
}

// key is a keystroke: a click of noise, and the thump of the desk.
func key(rnd *rand.Rand) []int16 {
	hz := 150 + 250*rnd.Float64()
	return burst(second/12, 9000+9000*rnd.Float64(), 12*time.Millisecond, func(i int) float64 {
		return 0.5*math.Sin(2*math.Pi*hz*float64(i)/audio.Rate) + 0.5*(2*rnd.Float64()-1)*math.Exp(-float64(i)/150)
	})
}

// breath is a second of noise that swells and goes.
func breath(rnd *rand.Rand) []int16 {
	pcm, low := make([]int16, second), 0.0
	for i := range pcm {
		low += 0.15 * (2*rnd.Float64() - 1 - low)
		pcm[i] = int16(12000 * low * math.Sin(math.Pi*float64(i)/second))
	}
	return pcm
}

// cough is a burst of noise and a short rough voice after it.
func cough(rnd *rand.Rand) []int16 {
	pcm := burst(second/3, 16000, 50*time.Millisecond, func(int) float64 { return 2*rnd.Float64() - 1 })
	for i, x := range burst(second/6, 9000, 80*time.Millisecond, func(i int) float64 {
		return math.Sin(2 * math.Pi * 180 * float64(i) / audio.Rate * (1 + 0.1*rnd.Float64()))
	}) {
		pcm[second/12+i] += x
	}
	return pcm
}

// tones is a steady sound with harmonics.
func tones(n int, hz float64, peak float64) []int16 { return audiotest.Voice(n, hz, peak) }

func TestOnlySpeechIsTalkingWhileMuted(t *testing.T) {
	const n = 60 * second
	for seed := range uint64(hintSeeds) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		sounds := map[string][]int16{
			"silence":          make([]int16, n),
			"a quiet room":     room(n),
			"typing":           with(n, 140*time.Millisecond, func(int) []int16 { return key(rnd) }),
			"typing fast":      with(n, 71*time.Millisecond, func(int) []int16 { return key(rnd) }),
			"breath":           with(n, 3*time.Second, func(int) []int16 { return breath(rnd) }),
			"a cough at times": with(n, 4*time.Second, func(int) []int16 { return cough(rnd) }),
			"three coughs":     with(n, 9*time.Second, func(int) []int16 { return slices.Concat(cough(rnd), cough(rnd), cough(rnd)) }),
			"a loud fan":       audiotest.Noise(n, 3000, seed),
			"hum of the mains": tones(n, 100, 3000),
			"a test tone":      audiotest.Sine(n, 440, 3276),
			"talk far away":    at(-44, slices.Concat(said(seed, n))),
			"a door": with(n, 7*time.Second, func(int) []int16 {
				return burst(second/2, 25000, 60*time.Millisecond, func(int) float64 { return 2*rnd.Float64() - 1 })
			}),
			"a row of beeps": with(n, 200*time.Millisecond, func(int) []int16 { return audiotest.Sine(second/10, 1000, 6000) }),
		}
		for name, pcm := range sounds {
			for _, frame := range []int{480, 960} {
				m := &muter{frame: frame}
				m.listen(pcm, true)
				if len(m.shown) != 0 {
					t.Errorf("%s (seed %d, frames of %d): a hint after %v", name, seed, frame, m.shown)
				}
			}
		}
	}
}

// said is a made-up talker.
func said(seed uint64, n int) []int16 {
	pcm := make([]int16, n)
	replay.NewVoice(seed).Fill(pcm)
	return pcm
}

func TestTalkingWhileMutedIsToldOnceAndSoon(t *testing.T) {
	voices := map[string][]int16{"espeak-ng": spoken(t), "syllables": audiotest.Speech(20*second, 4)}
	for seed := range uint64(hintTalkers) {
		voices["voice "+string(rune('0'+seed))] = said(seed, 20*second)
	}
	for name, speech := range voices {
		for _, dBFS := range []float64{-16, -22, -28} {
			for _, frame := range []int{480, 960} {
				m := &muter{frame: frame}
				m.listen(room(3*second), true)
				m.listen(at(dBFS, speech), true)
				if len(m.shown) != 1 || m.hint.hints() != 1 {
					t.Errorf("%s at %g dBFS, frames of %d: hints at %v", name, dBFS, frame, m.shown)
					continue
				}
				limit := 3500 * time.Millisecond
				if dBFS < -25 {
					limit = 5 * time.Second // of which little is above -35
				}
				after := m.shown[0] - 3*time.Second
				if after < hintEnough || after > limit {
					t.Errorf("%s at %g dBFS: told after %v", name, dBFS, after)
				}
				t.Logf("%s at %g dBFS: after %v", name, dBFS, after)
			}
		}
	}
}

// spoken is a sentence or two of a speech synthesizer.
func spoken(t *testing.T) []int16 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "speech.wav")
	const text = "Good morning, you are speaking to the service desk. Could you tell me the number of your order, please? I will look it up right away."
	if out, err := exec.Command("espeak-ng", "-s", "150", "-w", path, text).CombinedOutput(); err != nil {
		t.Fatalf("this test needs the package `espeak-ng`: %v %s", err, out)
	}
	f, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	pcm := make([]int16, 7*second)
	f.Fill(pcm)
	return pcm
}

func TestTheHintIsFair(t *testing.T) {
	talk := said(2, 60*second)
	m := &muter{frame: 960}
	m.listen(talk[:5*second], false)
	if len(m.shown) != 0 {
		t.Fatal("a hint while not muted")
	}
	m.listen(talk[5*second:][:second-960], true) // what is being said runs on
	m.listen(room(2*second), true)
	if len(m.shown) != 0 {
		t.Fatal("a hint for what ran on while mute was pressed")
	}
	m.listen(talk[10*second:][:20*second], true)
	if len(m.shown) != 1 || m.on {
		t.Fatalf("hints at %v, want one, for 4 s", m.shown)
	}
	m.listen(room(29*second), true)
	m.listen(talk[30*second:][:5*second], true)
	if len(m.shown) != 1 {
		t.Error("another hint without half a minute of silence")
	}
	m.listen(room(31*second), true)
	m.listen(talk[35*second:][:5*second], true)
	if len(m.shown) != 2 {
		t.Error("no hint after half a minute of silence")
	}
	m.listen(room(960), false)
	if m.hint.shown(m.now) {
		t.Error("the hint stays when the microphone is open")
	}
	m.listen(talk[40*second:][:6*second], true)
	if len(m.shown) != 3 || m.hint.hints() != 3 {
		t.Error("no hint at another mute")
	}
}

func BenchmarkHint(b *testing.B) {
	m := &muter{frame: 960}
	talk := said(1, 10*second)
	m.listen(talk, true)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		part := talk[i*960%(9*second):][:960]
		m.now += 20 * time.Millisecond
		m.hint.add(part, true, true, m.now)
	}
}
