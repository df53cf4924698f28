package cue

import (
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
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

func TestACueIsShortSoftAndRisesOrFalls(t *testing.T) {
	for k, want := range map[Kind][2]float64{Joined: {low, high}, Left: {high, low}} {
		p := New()
		p.Ask(k, 0)
		pcm := play(p, 0, time.Second)
		end := len(pcm)
		for end > 0 && pcm[end-1] == 0 {
			end--
		}
		if d := audio.Duration(end); d < 130*time.Millisecond || d > 170*time.Millisecond {
			t.Errorf("cue %d lasts %v", k, d)
		}
		level := 20 * math.Log10(float64(audiotest.Peak(pcm))/math.MaxInt16)
		if math.Abs(level-Level) > 0.5 {
			t.Errorf("cue %d peaks at %.1f dBFS, want %.0f", k, level, Level)
		}
		first, last := pcm[audio.Samples(12*time.Millisecond):][:audio.Samples(41*time.Millisecond)], pcm[audio.Samples(80*time.Millisecond):][:audio.Samples(55*time.Millisecond)]
		for i, part := range [][]int16{first, last} {
			if hz := crossings(part); math.Abs(hz-want[i]) > 15 {
				t.Errorf("note %d of cue %d is %.0f Hz, want %.0f", i, k, hz, want[i])
			}
		}
		// No step is greater than a sine of its level makes: no click.
		most := math.MaxInt16 * math.Pow(10, Level/20) * 2 * math.Pi * high / audio.Rate
		for i := 1; i < len(pcm); i++ {
			if d := math.Abs(float64(pcm[i]) - float64(pcm[i-1])); d > 1.05*most+1 {
				t.Fatalf("cue %d steps by %.0f at sample %d, want %.0f at most", k, d, i, most)
			}
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
