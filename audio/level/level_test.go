package level_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
)

const ms = time.Millisecond

// sine returns n samples of hz with that peak level.
func sine(hz, dbfs float64, n int) []int16 {
	pcm := make([]int16, n)
	a := 32767 * math.Pow(10, dbfs/20)
	for i := range pcm {
		pcm[i] = int16(math.Round(a * math.Sin(2*math.Pi*hz*float64(i)/audio.Rate)))
	}
	return pcm
}

// noise returns n samples of white noise with that RMS.
func noise(rnd *rand.Rand, dbfs float64, n int) []int16 {
	pcm := make([]int16, n)
	a := 32767 * math.Pow(10, dbfs/20)
	for i := range pcm {
		pcm[i] = int16(math.Round(a * rnd.NormFloat64()))
	}
	return pcm
}

func constant(v int16, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = v
	}
	return pcm
}

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

func TestBlockLevels(t *testing.T) {
	for _, tc := range []struct {
		name      string
		pcm       []int16
		peak, rms float64
		dbov      uint8
	}{
		{"nothing", nil, level.Floor, level.Floor, 127},
		{"digital silence", make([]int16, 480), level.Floor, level.Floor, 127},
		{"one step", constant(1, 480), -90.3, -90.3, 90},
		{"a full-scale sine", sine(1000, 0, 480), 0, -3.01, 3},
		{"a sine of -20 dBFS", sine(1000, -20, 480), -20, -23.01, 23},
		{"all at the positive end", constant(32767, 480), 0, 0, 0},
		{"all at the negative end", constant(-32768, 480), 0, 0, 0},
		{"one negative spike", append(make([]int16, 479), -16384), -6.02, -32.83, 33},
		{"speech level of RFC 7874", constant(2600, 480), -22.01, -22.01, 22},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := level.Peak(tc.pcm); !near(got, tc.peak, 0.05) {
				t.Errorf("Peak %.2f, want %.2f", got, tc.peak)
			}
			if got := level.RMS(tc.pcm); !near(got, tc.rms, 0.05) {
				t.Errorf("RMS %.2f, want %.2f", got, tc.rms)
			}
			if got := level.DBov(tc.pcm); got != tc.dbov {
				t.Errorf("DBov %d, want %d", got, tc.dbov)
			}
		})
	}
}

func TestASineReadsItsPeakAndThreeDecibelsLess(t *testing.T) {
	for _, hz := range []float64{50, 100, 440, 997, 1000, 3000, 7350, 10007, 15001} {
		for _, dbfs := range []float64{-1, -20, -50} {
			var m level.Meter
			now := time.Duration(0)
			for pcm := sine(hz, dbfs, audio.Rate); len(pcm) > 0; pcm = pcm[480:] {
				now += 10 * ms
				m.Add(pcm[:480], now)
			}
			if r := m.Read(now); !near(r.Peak, dbfs, 0.1) || !near(r.Hold, dbfs, 0.1) || !near(r.RMS, dbfs-3.01, 0.1) || r.Clip {
				t.Errorf("%g Hz of %g dBFS reads %+v", hz, dbfs, r)
			}
		}
	}
}

func TestNewMeterShowsSilence(t *testing.T) {
	var m level.Meter
	want := level.Reading{Peak: level.Floor, RMS: level.Floor, Hold: level.Floor}
	for _, now := range []time.Duration{0, time.Hour} {
		if got := m.Read(now); got != want {
			t.Errorf("at %v: %+v, want %+v", now, got, want)
		}
	}
}

func TestBarAttacksAtOnceAndFallsTwentyDBIn1500Milliseconds(t *testing.T) {
	var m level.Meter
	m.Add(sine(1000, -6, 480), 10*ms)
	for _, tc := range []struct {
		after time.Duration
		want  float64
	}{{0, -6}, {150 * ms, -8}, {750 * ms, -16}, {1500 * ms, -26}, {time.Minute, level.Floor}} {
		if got := m.Read(10*ms + tc.after).Peak; !near(got, tc.want, 0.05) {
			t.Errorf("after %v the bar is at %.2f, want %.2f", tc.after, got, tc.want)
		}
	}
	m.Add(sine(1000, -30, 480), 760*ms)
	if got := m.Read(760 * ms).Peak; !near(got, -16, 0.05) {
		t.Errorf("a quieter block moved the bar to %.2f, want -16", got)
	}
	m.Add(sine(1000, -3, 480), 770*ms)
	if got := m.Read(770 * ms).Peak; !near(got, -3, 0.05) {
		t.Errorf("a louder block moved the bar to %.2f, want -3", got)
	}
}

func TestTickHoldsFor1500MillisecondsThenFalls(t *testing.T) {
	var m level.Meter
	m.Add(sine(1000, -6, 480), 0)
	for _, tc := range []struct {
		at   time.Duration
		want float64
	}{{0, -6}, {1490 * ms, -6}, {3000 * ms, -26}, {time.Minute, level.Floor}} {
		got := m.Read(tc.at)
		if !near(got.Hold, tc.want, 0.05) {
			t.Errorf("at %v the tick is at %.2f, want %.2f", tc.at, got.Hold, tc.want)
		}
		if got.Hold < got.Peak {
			t.Errorf("at %v the bar (%.2f) is above its tick (%.2f)", tc.at, got.Peak, got.Hold)
		}
	}
}

func TestRMSCoversTheLast300Milliseconds(t *testing.T) {
	for _, size := range []int{120, 441, 480, 960, 4800} {
		t.Run(fmt.Sprintf("blocks of %d", size), func(t *testing.T) {
			var m level.Meter
			now := time.Duration(0)
			play := func(pcm []int16) {
				for len(pcm) > 0 {
					n := min(size, len(pcm))
					now += audio.Duration(n)
					m.Add(pcm[:n], now)
					pcm = pcm[n:]
				}
			}
			play(sine(1000, -20, 14400))
			if got := m.Read(now).RMS; !near(got, -23.01, 0.1) {
				t.Errorf("RMS of a sine %.2f, want -23.01", got)
			}
			play(make([]int16, 7200))
			if got := m.Read(now).RMS; !near(got, -26.02, 0.3) {
				t.Errorf("half a window later %.2f, want -26.02", got)
			}
			play(make([]int16, 7680))
			if got := m.Read(now).RMS; got != level.Floor {
				t.Errorf("a window later %.2f, want %v", got, level.Floor)
			}
		})
	}
}

func TestRMSOfAStoppedStreamIsFloorAndDoesNotComeBack(t *testing.T) {
	var m level.Meter
	m.Add(sine(1000, -20, 14400), 300*ms)
	if got := m.Read(590 * ms).RMS; !near(got, -23.01, 0.1) {
		t.Errorf("just after the last block %.2f", got)
	}
	if got := m.Read(610 * ms).RMS; got != level.Floor {
		t.Errorf("310 ms after the last block %.2f, want %v", got, level.Floor)
	}
	m.Add(make([]int16, 480), time.Second)
	if got := m.Read(time.Second).RMS; got != level.Floor {
		t.Errorf("old samples came back: %.2f", got)
	}
}

func TestClipLightsForEitherPolarityAndStaysFiveSeconds(t *testing.T) {
	block := func(vs ...int16) []int16 { return append(make([]int16, 470), vs...) }
	for _, tc := range []struct {
		name string
		pcm  []int16
		want bool
	}{
		{"three at the positive end", block(32767, 32767, 32767), true},
		{"three at the negative end", block(-32768, -32768, -32768), true},
		{"three one above the negative end", block(-32767, -32767, -32767), true},
		{"one at the negative end", block(-32768), true},
		{"one just at -0.1 dBFS", block(32392), true},
		{"one just at -0.1 dBFS, negative", block(-32392), true},
		{"one just below", block(32391), false},
		{"one just below, negative", block(-32391), false},
		{"a sine of -0.5 dBFS", sine(1000, -0.5, 480), false},
		{"a sine cut off at the top only", func() []int16 {
			pcm := sine(1000, 0, 480)
			for i, v := range pcm {
				pcm[i] = int16(max(min(int(v)*2, 32767), -20000))
			}
			return pcm
		}(), true},
		{"a sine cut off at the bottom only", func() []int16 {
			pcm := sine(1000, 0, 480)
			for i, v := range pcm {
				pcm[i] = int16(min(max(int(v)*2, -32768), 20000))
			}
			return pcm
		}(), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var m level.Meter
			m.Add(tc.pcm, time.Second)
			m.Add(make([]int16, 480), 1010*ms)
			if got := m.Read(1010 * ms).Clip; got != tc.want {
				t.Fatalf("Clip %v, want %v", got, tc.want)
			}
			if got := m.Read(5990 * ms).Clip; got != tc.want {
				t.Errorf("4.99 s later Clip %v, want %v", got, tc.want)
			}
			if m.Read(6 * time.Second).Clip {
				t.Error("Clip still lit after 5 s")
			}
		})
	}
}

func TestMeterIsReadWhileItIsFed(t *testing.T) {
	var m level.Meter
	var wg sync.WaitGroup
	clock := audio.NewClock()
	loud := sine(1000, -10, 480)
	wg.Go(func() {
		for range 3000 {
			m.Add(loud, clock())
		}
	})
	for range 3000 {
		r := m.Read(clock())
		if r.Hold < r.Peak || r.Peak > 0 || r.RMS > r.Peak+1 || r.Peak < level.Floor {
			t.Fatalf("torn reading %+v", r)
		}
	}
	wg.Wait()
}

func TestVoice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var v level.Voice
	// listen feeds 10 ms blocks and returns the share that was called speech.
	listen := func(v *level.Voice, pcm []int16) float64 {
		yes, all := 0, 0
		for ; len(pcm) >= 480; pcm = pcm[480:] {
			all++
			if v.Add(pcm[:480]) {
				yes++
			}
		}
		return float64(yes) / float64(all)
	}
	steps := []struct {
		name     string
		pcm      []int16
		from, to float64
	}{
		{"digital silence", make([]int16, 48000), 0, 0},
		{"speech at once", noise(rnd, -25, 9600), 1, 1},
		{"its hang-over", make([]int16, 9600), 0.9, 1},
		{"silence again", make([]int16, 9600), 0, 0.1},
		{"a fan comes on", noise(rnd, -55, 4*48000), 0, 0.6},
		{"the fan is noise now", noise(rnd, -55, 48000), 0, 0},
		{"speech above the fan", noise(rnd, -35, 9600), 1, 1},
		{"the fan alone", noise(rnd, -55, 48000), 0, 0.25},
	}
	for _, s := range steps {
		if got := listen(&v, s.pcm); got < s.from || got > s.to {
			t.Errorf("%s: %.0f %% speech, want %.0f to %.0f %%", s.name, 100*got, 100*s.from, 100*s.to)
		}
	}
}

func TestSteadyToneIsVoice(t *testing.T) {
	for _, hz := range []float64{100, 440, 1000, 3000} {
		for _, dbfs := range []float64{-3, -20, -36} {
			var v level.Voice
			block := 0
			for pcm := sine(hz, dbfs, 5*48000); len(pcm) > 0; pcm = pcm[960:] {
				if !v.Add(pcm[:960]) {
					t.Fatalf("%g Hz at %g dBFS: not voice in frame %d", hz, dbfs, block)
				}
				block++
			}
		}
	}
}

func TestVoiceIgnoresADCOffset(t *testing.T) {
	var v level.Voice
	for range 200 {
		if v.Add(constant(1500, 480)) {
			t.Fatal("a constant is called speech")
		}
	}
}

func TestHangOverLasts200Milliseconds(t *testing.T) {
	var v level.Voice
	loud, quiet := sine(1000, -20, 480), make([]int16, 480)
	for range 10 {
		v.Add(loud)
	}
	n := 0
	for v.Add(quiet) {
		n++
	}
	if n != 20 {
		t.Errorf("%d blocks of 10 ms after the last loud one are speech, want 20", n)
	}
}

func TestVoiceTakesBlocksOfAnySize(t *testing.T) {
	loud := sine(1000, -20, 48000)
	for _, size := range []int{1, 100, 120, 480, 960, 2880} {
		var v level.Voice
		got := false
		for rest := loud; len(rest) > 0; {
			n := min(size, len(rest))
			got = v.Add(rest[:n])
			rest = rest[n:]
		}
		if !got {
			t.Errorf("blocks of %d: not voice", size)
		}
	}
}

func BenchmarkMeterAdd(b *testing.B) {
	var m level.Meter
	pcm := sine(1000, -10, 480)
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 10 * ms
		m.Add(pcm, now)
	}
}

func BenchmarkMeterRead(b *testing.B) {
	var m level.Meter
	m.Add(sine(1000, -10, 480), 0)
	b.ReportAllocs()
	for b.Loop() {
		m.Read(10 * ms)
	}
}

func BenchmarkVoiceAdd(b *testing.B) {
	var v level.Voice
	pcm := sine(1000, -10, 480)
	b.ReportAllocs()
	for b.Loop() {
		v.Add(pcm)
	}
}
