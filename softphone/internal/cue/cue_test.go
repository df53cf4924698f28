package cue

import (
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/protect"
)

// play mixes d of silence, 5 ms at a time, from now on.
func play(p *Player, from, d time.Duration) []int16 {
	const step = audio.PeriodSamples / 2
	pcm := make([]int16, audio.Samples(d)/step*step)
	for at := 0; at < len(pcm); at += step {
		p.Mix(pcm[at:at+step], from+audio.Duration(at))
	}
	return pcm
}

// sounds counts the runs of sound in pcm, which are longer than 20 ms of silence
// apart.
func sounds(pcm []int16) (n int) {
	quiet := audio.Rate
	for _, x := range pcm {
		switch {
		case x == 0:
			quiet++
			continue
		case quiet > audio.Rate/50:
			n++
		}
		quiet = 0
	}
	return n
}

func TestACueIsShortSoftAndHasNoClick(t *testing.T) {
	for k, want := range map[Kind][]float64{
		Joined: {e5, a5}, Left: {a5, e5}, LinkLost: {c5, gis4, e4}, LinkBack: {e4, gis4, c5},
		Answered: {a5, cis6, e6}, HungUp: {a4}, Ended: {ringing, ringing}, TalkEnds: {fis5, fis5},
	} {
		p := New()
		p.Ask(k, 0)
		pcm := play(p, 0, time.Second)
		end := len(pcm)
		for end > 0 && pcm[end-1] == 0 {
			end--
		}
		pcm = pcm[:end]
		if d := audio.Duration(end); d < 100*time.Millisecond || d > 300*time.Millisecond {
			t.Errorf("cue %d lasts %v", k, d)
		}
		soft(t, k, pcm)
		at := 0
		for i, n := range k.shape().notes {
			part := pcm[min(at, len(pcm)):min(at+audio.Samples(n.length), len(pcm))]
			at += audio.Samples(n.length)
			if n.hz[0] == 0 {
				continue
			}
			if hz := crossings(part[len(part)/5 : len(part)*4/5]); math.Abs(hz-want[0]) > 15 {
				t.Errorf("note %d of cue %d is %.0f Hz, want %.0f", i, k, hz, want[0])
			}
			want = want[1:]
		}
		if len(want) != 0 {
			t.Errorf("cue %d is without %v", k, want)
		}
	}
}

// soft wants pcm to be a cue's: no louder than it may be, and without a step
// greater than a sine of its level makes.
func soft(t *testing.T, k Kind, pcm []int16) {
	t.Helper()
	level := 20 * math.Log10(float64(audiotest.Peak(pcm))/math.MaxInt16)
	if want := k.shape().level; level > Level+0.01 || math.Abs(level-want) > 0.6 {
		t.Errorf("cue %d peaks at %.1f dBFS, want %.0f", k, level, want)
	}
	most := math.MaxInt16 * math.Pow(10, level/20) * 2 * math.Pi * 1633 / audio.Rate
	if d := audiotest.MaxStep(pcm); float64(d) > most+2 {
		t.Errorf("cue %d steps by %d, want %.0f at most", k, d, most)
	}
}

func TestADigitIsItsTwoTonesOfTheKeypad(t *testing.T) {
	for _, d := range []struct {
		digit    rune
		row, col float64
	}{{'1', 697, 1209}, {'2', 697, 1336}, {'3', 697, 1477}, {'A', 697, 1633}, {'5', 770, 1336}, {'9', 852, 1477}, {'*', 941, 1209}, {'0', 941, 1336}, {'#', 941, 1477}, {'D', 941, 1633}} {
		p := New()
		k, ok := Digit(d.digit)
		if !ok {
			t.Fatalf("%c is no digit", d.digit)
		}
		p.Ask(k, 0)
		pcm := play(p, 0, 200*time.Millisecond)
		soft(t, k, pcm)
		tone := pcm[:audio.Samples(digitLength)]
		if rest := audiotest.Peak(pcm[len(tone):]); rest != 0 {
			t.Errorf("%c: a peak of %d after its end", d.digit, rest)
		}
		for _, hz := range append(rows[:], columns[:]...) {
			level := audiotest.Goertzel(tone, hz)
			if is := hz == d.row || hz == d.col; is != (level > 500) {
				t.Errorf("%c: %.0f Hz has an amplitude of %.0f", d.digit, hz, level)
			}
		}
	}
	for _, d := range "xE+ \x00é" {
		if _, ok := Digit(d); ok {
			t.Errorf("%q is a digit", d)
		}
	}
}

func TestDigitsTypedFastAreAllHeard(t *testing.T) {
	p := New()
	var heard []int16
	for i, d := range "0123" {
		k, _ := Digit(d)
		at := time.Duration(i) * 100 * time.Millisecond
		p.Ask(k, at)
		heard = append(heard, play(p, at, 100*time.Millisecond)...)
	}
	heard = append(heard, play(p, 400*time.Millisecond, time.Second)...)
	if n := sounds(heard); n != 4 {
		t.Errorf("%d tones, want 4", n)
	}
	if s := p.Stats(); s.Played != 4 || s.Missed != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestRingbackWaitsRepeatsAndStopsWithAFade(t *testing.T) {
	p := New()
	p.Ask(Ringback, 400*time.Millisecond)
	first := play(p, 0, 400*time.Millisecond)
	if audiotest.Peak(first) != 0 {
		t.Error("it rings before its time")
	}
	rings := play(p, 400*time.Millisecond, 12*time.Second)
	if n := sounds(rings); n != 3 {
		t.Errorf("%d rings in 12 s, want 3", n)
	}
	for i := range 3 {
		ring := rings[i*5*audio.Rate:][:2*audio.Rate]
		soft(t, Ringback, ring)
		if hz := crossings(ring[audio.Rate/4 : audio.Rate*3/4]); math.Abs(hz-425) > 1 {
			t.Errorf("it rings at %.1f Hz", hz)
		}
		if audiotest.Peak(ring[audio.Rate:]) != 0 {
			t.Error("it rings for more than a second")
		}
	}
	play(p, 12400*time.Millisecond, 3500*time.Millisecond) // into the fourth
	p.Stop(Ringback)
	end := play(p, 15900*time.Millisecond, 10*time.Second)
	soft(t, Ringback, end[:audio.Samples(8*time.Millisecond)])
	if d := audiotest.MaxStep(end); d > 80 {
		t.Errorf("the end steps by %d", d)
	}
	if peak := audiotest.Peak(end[edgeSamples:]); peak != 0 {
		t.Errorf("a peak of %d after the fade", peak)
	}
	if s := p.Stats(); s.Played != 1 || s.Missed != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestACallThatIsAnsweredAtOnceDoesNotRing(t *testing.T) {
	p := New()
	p.Ask(Ringback, 400*time.Millisecond)
	play(p, 0, 300*time.Millisecond)
	p.Stop(Ringback)
	if n := sounds(play(p, 300*time.Millisecond, 10*time.Second)); n != 0 {
		t.Errorf("%d rings", n)
	}
}

func TestWhatMattersMoreCutsShortWhatPlays(t *testing.T) {
	p := New()
	p.Ask(Ringback, 0)
	heard := play(p, 0, 500*time.Millisecond)
	p.Stop(Ringback)
	p.Ask(Answered, 500*time.Millisecond)
	heard = append(heard, play(p, 500*time.Millisecond, 100*time.Millisecond)...)
	p.Ask(Joined, 600*time.Millisecond)
	p.Ask(Ended, 600*time.Millisecond)
	heard = append(heard, play(p, 600*time.Millisecond, 300*time.Millisecond)...)
	if !p.Done(Ended) || p.Done(Joined) {
		t.Error("the end is not over 300 ms later, or somebody joined before")
	}
	if s := p.Stats(); s.Played != 3 || s.Cut != 2 {
		t.Errorf("counted %+v", s)
	}
	most := math.MaxInt16 * math.Pow(10, Level/20) * 2 * math.Pi * e6 / audio.Rate
	if d := audiotest.MaxStep(heard); float64(d) > most+2 {
		t.Errorf("a step of %d, want %.0f at most", d, most)
	}
}

func TestSwitchedOffNothingIsHeardNorLater(t *testing.T) {
	p := New()
	p.Ask(Ringback, 0)
	play(p, 0, 500*time.Millisecond)
	p.Ask(Joined, 500*time.Millisecond)
	p.SetOn(false)
	p.Ask(Left, 500*time.Millisecond)
	off := play(p, 500*time.Millisecond, 3*time.Second)
	if peak := audiotest.Peak(off[edgeSamples:]); peak != 0 || p.On() {
		t.Errorf("a peak of %d", peak)
	}
	p.SetOn(true)
	on := play(p, 3500*time.Millisecond, 3*time.Second)
	if n := sounds(on); n != 1 || audiotest.Peak(on[:audio.Rate]) != 0 {
		t.Errorf("%d cues, want the next ring alone", n)
	}
	if s := p.Stats(); s.Played != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestRingingLeavesTheEarsProtectionAlone(t *testing.T) {
	p, limiter := New(), protect.New(protect.DefaultCeiling)
	p.Ask(Ringback, 0)
	before := limiter.SpeechLevel()
	pcm := make([]int16, audio.PeriodSamples)
	for now := time.Duration(0); now < time.Minute; now += audio.Period {
		clear(pcm)
		p.Mix(pcm, now)
		limiter.Process(pcm)
		if got := limiter.SpeechLevel(); got != before || limiter.Limited() != 0 {
			t.Fatalf("at %v a speech level of %.1f dBFS, was %.1f; %d samples limited", now, got, before, limiter.Limited())
		}
	}
}

// crossings is the frequency of a sine, by its upward crossings of zero.
func crossings(pcm []int16) float64 {
	first, last, n := 0.0, 0.0, 0
	for i := 1; i < len(pcm); i++ {
		if pcm[i-1] < 0 && pcm[i] >= 0 {
			last = float64(i) - float64(pcm[i])/float64(int(pcm[i])-int(pcm[i-1]))
			if n == 0 {
				first = last
			}
			n++
		}
	}
	return float64(n-1) * audio.Rate / (last - first)
}

func TestWithoutACueNothingIsChanged(t *testing.T) {
	p := New()
	pcm := audiotest.Noise(audio.Rate/10, 32767, 1)
	was := append([]int16(nil), pcm...)
	p.Mix(pcm, time.Second)
	for i := range pcm {
		if pcm[i] != was[i] {
			t.Fatalf("sample %d is %d, was %d", i, pcm[i], was[i])
		}
	}
}

func TestACueIsAddedWithoutWrappingAround(t *testing.T) {
	p := New()
	p.Ask(Joined, 0)
	pcm := make([]int16, audio.Rate/5)
	for i := range pcm {
		pcm[i] = math.MaxInt16 - 100
	}
	p.Mix(pcm, 0)
	if low := audiotest.Peak(pcm); low != math.MaxInt16 {
		t.Errorf("peak %d", low)
	}
	for i, x := range pcm {
		if x < math.MaxInt16-100-2000 {
			t.Fatalf("sample %d is %d", i, x)
		}
	}
}

func TestManyAtOnceAreOneCueOfEachKind(t *testing.T) {
	p := New()
	for range 100 {
		p.Ask(Joined, 0)
		p.Ask(Left, 0)
	}
	if n := sounds(play(p, 0, Spacing)); n != 1 {
		t.Errorf("%d cues in the first half second, want 1", n)
	}
	if n := sounds(play(p, Spacing, 5*time.Second)); n != 1 {
		t.Errorf("%d cues after it, want 1", n)
	}
	if s := p.Stats(); s.Played != 2 || s.Merged != 198 || s.Missed != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestAStreamOfCuesIsTwoASecond(t *testing.T) {
	p := New()
	var heard []int16
	for at := time.Duration(0); at < 10*time.Second; at += 50 * time.Millisecond {
		p.Ask(Joined, at)
		heard = append(heard, play(p, at, 50*time.Millisecond)...)
	}
	if n := sounds(heard); n != 20 {
		t.Errorf("%d cues in 10 s, want 20", n)
	}
	if s := p.Stats(); s.Played != 20 || s.Played+s.Merged < 199 {
		t.Errorf("counted %+v", s)
	}
}

func TestWhatCouldNotBePlayedIsNotPlayedLate(t *testing.T) {
	p := New()
	p.Ask(Joined, 0)
	if n := sounds(play(p, 1100*time.Millisecond, time.Second)); n != 0 {
		t.Error("a cue is played that waited for more than a second")
	}
	if s := p.Stats(); s.Missed != 1 || s.Played != 0 {
		t.Errorf("counted %+v", s)
	}
	p.Ask(Left, 3*time.Second)
	play(p, 3*time.Second, 50*time.Millisecond) // then the earpiece stands still
	if n := sounds(play(p, 10*time.Second, time.Second)); n != 0 {
		t.Error("the rest of a cue is played 7 s later")
	}
}

func TestAnUnknownCueIsNone(t *testing.T) {
	p := New()
	p.Ask(kinds, 0)
	p.Ask(-1, 0)
	if n := sounds(play(p, 0, time.Second)); n != 0 {
		t.Errorf("%d cues", n)
	}
}
