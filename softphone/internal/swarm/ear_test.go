package swarm

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/codec/opus"
)

// listen plays four seconds of tones to a call that arrive late by so much after
// they were to be sent, and returns what was counted. amplitudes are shares of
// what each tone should be.
func listen(s *swarm, call int, delay time.Duration, amplitudes map[int]float64) *tally {
	mixed := make([]int16, 4*audio.Rate)
	one := make([]int16, len(mixed))
	for i, share := range amplitudes {
		tones[i].source(peak / 3 * share)(one)
		for k, v := range one {
			mixed[k] += v
		}
	}
	play48(s.legs[call].ledger.ear, mixed, delay)
	return &s.tally
}

// play48 lets an ear hear pcm, frame by frame from a time on.
func play48(e *ear, pcm []int16, from time.Duration) {
	packet := make([]byte, 1920)
	for at := 0; at < len(pcm); at += 960 {
		for i, v := range pcm[at : at+960] {
			packet[2*i], packet[2*i+1] = byte(v), byte(uint16(v)>>8)
		}
		e.hear(packet, from+audio.Duration(at))
	}
}

func TestAnEarMeasuresTheDelayOfEachTalker(t *testing.T) {
	for _, delay := range []time.Duration{0, 3 * time.Millisecond, 47 * time.Millisecond, 420 * time.Millisecond} {
		s := stage(t, nil)
		c := listen(s, 3, delay, map[int]float64{0: 1, 1: 1}) // a listener
		if c.failures.Load() != 0 || c.windows.Load() < 3 || c.added.n.Load() < 6 {
			t.Errorf("%v: %d windows, %d marks, failures %q", delay, c.windows.Load(), c.added.n.Load(), c.wrong)
		}
		// The second talker's turn is later than what is played here says, so that
		// its delay is less.
		if got := c.added.percentile(1); math.Abs(ms(got-delay)) > 0.5 {
			t.Errorf("%v: measured %v", delay, got)
		}
	}
}

func TestAChangeOfToneThatFallsIntoAGapIsMissed(t *testing.T) {
	s := stage(t, nil)
	pcm := make([]int16, 4*audio.Rate)
	tones[0].source(peak / 3)(pcm)
	clear(pcm[2*audio.Rate-4800 : 2*audio.Rate+4800])
	play48(s.legs[3].ledger.ear, pcm, 0)
	if c := &s.tally; c.missed.Load() != 1 || c.added.n.Load() != 2 {
		t.Errorf("%d missed, %d heard", c.missed.Load(), c.added.n.Load())
	}
}

// TestASpliceIsNoChangeOfTone puts 8 ms of the other frequency into the second
// before a change.
func TestASpliceIsNoChangeOfTone(t *testing.T) {
	s := stage(t, nil)
	pcm := make([]int16, 4*audio.Rate)
	tones[0].source(peak / 3)(pcm)
	copy(pcm[audio.Rate-2400:audio.Rate-2016], pcm[audio.Rate+4800:])
	play48(s.legs[3].ledger.ear, pcm, 10*time.Millisecond)
	if d := s.tally.added.delay(); d.Count != 3 || math.Abs(d.Max-10) > 0.5 {
		t.Errorf("%+v", d)
	}
}

func TestAnEarHearsWhatIsWrongInAMix(t *testing.T) {
	for name, tc := range map[string]struct {
		call  int
		heard map[int]float64
		want  string
	}{
		"all is right for a listener":       {3, map[int]float64{0: 1, 1: 1}, ""},
		"all is right for a talker":         {0, map[int]float64{1: 1}, ""},
		"a listener misses a talker":        {3, map[int]float64{0: 1}, "1 of at least 2 talkers"},
		"a talker hears itself":             {0, map[int]float64{0: 0.3, 1: 1}, "of the listener"},
		"a talker of another room is heard": {3, map[int]float64{0: 1, 1: 1, 5: 0.2}, "of another room"},
		"a talker is far too soft":          {3, map[int]float64{0: 1, 1: 0.1}, "1 of at least 2 talkers"},
	} {
		c := listen(stage(t, nil), tc.call, 20*time.Millisecond, tc.heard)
		wrong := strings.Join(c.wrong, "; ")
		if (wrong == "") != (tc.want == "") || !strings.Contains(wrong, tc.want) {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}

// TestNoiseIsNoTone lets a stranger make noise in the room, louder than all talk.
func TestNoiseIsNoTone(t *testing.T) {
	for seed := range uint64(20) {
		s := stage(t, nil)
		random, mixed := rand.New(rand.NewPCG(seed, 2)), make([]int16, 4*audio.Rate)
		tones[0].source(peak / 3)(mixed)
		for i := range mixed {
			mixed[i] += int16(20000 * (random.Float64() - 0.5))
		}
		s.rooms[0].talking.Store(1)
		play48(s.legs[3].ledger.ear, mixed, 0)
		if c := &s.tally; c.failures.Load() != 0 || c.windows.Load() < 3 {
			t.Errorf("%d windows, %q", c.windows.Load(), c.wrong)
		}
	}
}

// TestTheDelayOfEachToneIsMeasuredThroughOpus gives a listener what a talker
// sent, 30 ms late: a server that only forwards.
func TestTheDelayOfEachToneIsMeasuredThroughOpus(t *testing.T) {
	for _, frame := range []int{480, 960} {
		s := stage(t, func(c *Config) {
			c.Calls, c.Rooms, c.Talkers = 2*len(tones), len(tones), 1 // each room has another tone
			c.Codec, c.Options.FrameSamples = opus.Codec{}, frame
		})
		for i := range tones {
			from, to := s.legs[i], s.legs[i+len(tones)]
			s.tally.added = histogram{}
			for slot := range 4 * len(from.score.packets) / 2 {
				at := s.wheel.phase(i) + audio.Duration(slot*frame)
				to.ledger.ear.hear(from.score.packets[slot%len(from.score.packets)], at+30*time.Millisecond)
			}
			d := s.tally.added.delay()
			t.Logf("tone %d in frames of %d: %+v", i, frame, d)
			if d.Count != 3 || math.Abs(d.P50-30) > 0.5 || math.Abs(d.Max-30) > 0.5 {
				t.Errorf("tone %d in frames of %d: %+v", i, frame, d)
			}
		}
		if c := &s.tally; c.failures.Load() != 0 || c.windows.Load() == 0 {
			t.Errorf("%d windows, %q", c.windows.Load(), c.wrong)
		}
	}
}

func TestWhatIsHeardAfterATurnOfOursThatWasLateIsNotJudged(t *testing.T) {
	s := stage(t, nil)
	s.tally.turned(61*time.Millisecond, 1500*time.Millisecond)
	c := listen(s, 3, 0, map[int]float64{0: 1})
	// The windows end at 0.65, 1.65, 2.65 and 3.65 s.
	if c.unjudged.Load() != 2 || c.failures.Load() != 2 {
		t.Errorf("%d windows are not judged, %d wrong", c.unjudged.Load(), c.failures.Load())
	}
}

func TestMoreTalkersThanSpeakersAreTooMany(t *testing.T) {
	s := stage(t, func(c *Config) { c.Calls, c.Talkers, c.Speakers = 6, 5, 2 })
	c := listen(s, 5, 20*time.Millisecond, map[int]float64{0: 0.6, 2: 0.6, 4: 0.6}) // of five
	if wrong := strings.Join(c.wrong, "; "); !strings.Contains(wrong, "3 talkers are heard at a time, and at most 2") {
		t.Errorf("%q", wrong)
	}
}

// TestAChangeOfTheFloorIsNotOneTooMany lets another talker be heard in the place of
// one, in the middle of what is verified.
func TestAChangeOfTheFloorIsNotOneTooMany(t *testing.T) {
	for _, at := range []int{21700, 24500, 26400, 28800, 31100} { // of a window from 21600 to 31200
		s := stage(t, func(c *Config) { c.Calls, c.Talkers, c.Speakers = 6, 5, 2 })
		mixed, one := make([]int16, 4*audio.Rate), make([]int16, 4*audio.Rate)
		for i, share := range [][2]int{{0, len(mixed)}, {0, at}, {at, len(mixed)}} {
			tones[i].source(peak / 5)(one)
			for k := share[0]; k < share[1]; k++ {
				mixed[k] += one[k]
			}
		}
		play48(s.legs[5].ledger.ear, mixed, 0)
		if c := &s.tally; c.failures.Load() != 0 || c.windows.Load() < 3 {
			t.Errorf("a change at %d: %d windows, %q", at, c.windows.Load(), c.wrong)
		}
	}
}

func TestOnlySoManySpeakersMustBeHeard(t *testing.T) {
	s := stage(t, func(c *Config) { c.Calls, c.Talkers, c.Speakers = 6, 5, 3 })
	if n := s.legs[0].ledger.ear.need(); n != 2 {
		t.Errorf("a talker must hear %d, want 2", n)
	}
	if n := s.legs[5].ledger.ear.need(); n != 3 {
		t.Errorf("a listener must hear %d, want 3", n)
	}
}
