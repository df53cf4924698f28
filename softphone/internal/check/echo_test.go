package check

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/replay"
)

// room is what a microphone hears during the chirps: a voice, noise of that RMS, and
// the chirps again after a delay of samples, which may be a fraction, through a
// number of reflections.
type room struct {
	voice   bool
	noise   float64 // RMS, of 32767
	gain    float64 // of the echo, dB; 0: none
	delay   float64 // samples
	reverb  int     // reflections, each 1.3 ms later and 3 dB weaker
	stretch float64 // ppm
	seed    uint64
}

// heard is the microphone around each chirp.
func (r room) heard() []heardProbe {
	every := audio.Samples(chirpTime + chirpRest)
	pcm := make([]int16, (chirps+1)*every)
	voice := replay.NewVoice(r.seed)
	if r.voice {
		voice.Fill(pcm)
	}
	rnd := rand.New(rand.NewPCG(r.seed, 9))
	phase, shape := chirp(audio.Samples(chirpTime), audio.Rate)
	amplitude := math.MaxInt16 * math.Pow(10, (chirpPeak+r.gain)/20)
	probes := make([]heardProbe, 0, chirps)
	sum := make([]float64, len(pcm))
	lead := -audio.Samples(echoBegin)
	for k := range chirps {
		begin := 1000 + k*every
		for n := 0; n <= r.reverb && r.gain != 0; n++ {
			from := float64(begin+lead) + r.delay + float64(n)*0.0013*audio.Rate
			for i := range len(phase) + 2 {
				// The chirp between its samples, by its own formula.
				at := (math.Ceil(from) + float64(i) - from) * (1 + r.stretch*1e-6)
				j := int(at)
				if j+1 >= len(phase) {
					break
				}
				p := phase[j] + (at-float64(j))*(phase[j+1]-phase[j])
				sum[int(math.Ceil(from))+i] += amplitude * shape[j] * math.Sin(p) * math.Pow(10, -3*float64(n)/20)
			}
		}
		probes = append(probes, heardProbe{pcm: pcm[begin:min(begin+probeSamples(), len(pcm))]})
	}
	for i := range pcm {
		pcm[i] += int16(math.Round(sum[i] + r.noise*rnd.NormFloat64()))
	}
	return probes
}

func TestAnEchoIsMeasured(t *testing.T) {
	const delay = 120e-3 * audio.Rate
	for name, c := range map[string]struct {
		room
		gainOff  float64 // allowed, dB
		delayOff time.Duration
	}{
		"in a quiet room":             {room{noise: 10, gain: -20, delay: delay}, 0.2, 100 * time.Microsecond},
		"at once":                     {room{noise: 10, gain: -20, delay: 0.3}, 0.2, 100 * time.Microsecond},
		"between two samples":         {room{noise: 10, gain: -30, delay: delay + 0.5}, 0.2, 100 * time.Microsecond},
		"very late":                   {room{noise: 10, gain: -30, delay: 440e-3 * audio.Rate}, 0.3, 100 * time.Microsecond},
		"as loud as the ear":          {room{noise: 10, gain: -0.01, delay: delay}, 0.2, 100 * time.Microsecond},
		"weak":                        {room{noise: 10, gain: -50, delay: delay}, 0.5, 150 * time.Microsecond},
		"in noise of -50 dBFS":        {room{noise: 104, gain: -40, delay: delay}, 1, 200 * time.Microsecond},
		"while somebody talks":        {room{voice: true, noise: 10, gain: -20, delay: delay, seed: 5}, 1.5, 300 * time.Microsecond},
		"with a clock 300 ppm faster": {room{noise: 10, gain: -20, delay: delay, stretch: 300}, 0.3, 200 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			e := findEcho(c.heard(), chirpPeak)
			late := time.Duration(c.delay / audio.Rate * float64(time.Second))
			t.Logf("%+.2f dB, %v off, limit %.0f dB", e.gain-c.gain, e.delay-late, e.limit)
			if !e.found || math.Abs(e.gain-c.gain) > c.gainOff || (e.delay-late).Abs() > c.delayOff {
				t.Errorf("echo %+v, want %.1f dB after %v", e, c.gain, late)
			}
		})
	}
}

func TestReflectionsAddUp(t *testing.T) {
	r := room{noise: 10, gain: -20, delay: 3000, reverb: 6}
	sum := 0.0
	for n := range r.reverb + 1 {
		sum += math.Pow(10, -3*float64(n)/10)
	}
	want := r.gain + 10*math.Log10(sum)
	if e := findEcho(r.heard(), chirpPeak); !e.found || math.Abs(e.gain-want) > 1.5 {
		t.Errorf("echo %+v, want %.1f dB", e, want)
	}
}

func TestNoEchoIsFoundWhereThereIsNone(t *testing.T) {
	for seed := range uint64(5) {
		for _, r := range []room{{noise: 20, seed: seed}, {noise: 300, seed: seed}, {voice: true, noise: 10, seed: seed}, {seed: seed}} {
			if e := findEcho(r.heard(), chirpPeak); e.found {
				t.Errorf("%+v: echo %+v", r, e)
			}
		}
	}
}

func TestTheWeakestEchoThatIsFoundIsSaid(t *testing.T) {
	for _, noise := range []float64{10, 104, 500} {
		r := room{noise: noise}
		limit := findEcho(r.heard(), chirpPeak).limit
		r.gain, r.delay = limit+3, 5000
		if e := findEcho(r.heard(), chirpPeak); !e.found {
			t.Errorf("noise %v: an echo of %.0f dB was not found, the limit is said to be %.0f dB", noise, r.gain, limit)
		}
		r.gain = limit - 8
		if e := findEcho(r.heard(), chirpPeak); e.found && limit > echoLeast {
			t.Errorf("noise %v: an echo of %.0f dB was found, the limit is said to be %.0f dB", noise, r.gain, limit)
		}
		t.Logf("noise %.0f dBFS: limit %.0f dB", 20*math.Log10(noise/32767), limit)
	}
}

func TestTooFewChirpsAreNoTest(t *testing.T) {
	r := room{noise: 10, gain: -20, delay: 5000}
	if e := findEcho(r.heard()[:chirps/2-1], chirpPeak); e.tested {
		t.Errorf("echo %+v", e)
	}
}
