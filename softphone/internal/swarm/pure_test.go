package swarm

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

// plan returns a Config that is right, with room for changes.
func plan(change func(*Config)) Config {
	c := Config{
		Destination: "room/test", Calls: 4, Rooms: 1, Talkers: 2, Speakers: 3, Streams: 1, DTX: true,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960, Complexity: 9},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestAConfigIsCheckedByTheNamesOfItsFlags(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"":                 nil,
		"calls":            func(c *Config) { c.Calls = 0 },
		"dest":             func(c *Config) { c.Destination = "tone" },
		"in NAME":          func(c *Config) { c.Destination = "room/No" },
		"rooms":            func(c *Config) { c.Rooms = 5 },
		"an echo has none": func(c *Config) { c.Destination, c.Rooms = "echo", 2 },
		"talkers":          func(c *Config) { c.Talkers = 11 },
		"speakers":         func(c *Config) { c.Speakers = 0 },
		"streams-per-conn": func(c *Config) { c.Streams = 201 },
		"ramp":             func(c *Config) { c.Ramp = -1 },
		"duration":         func(c *Config) { c.Duration = -1 },
	} {
		c := plan(change)
		if err := c.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestPercentilesAreOfAllThatWasAdded(t *testing.T) {
	var h histogram
	if d := h.delay(); d != (Delay{}) {
		t.Errorf("nothing gives %+v", d)
	}
	for i := range 1000 {
		h.add(time.Duration(i) * 100 * time.Microsecond)
	}
	h.add(-time.Second)
	h.add(3 * time.Second)
	d := h.delay()
	if d.Count != 1002 || math.Abs(d.P50-50) > 0.2 || math.Abs(d.P99-99.1) > 0.2 || d.Max != 3000 {
		t.Errorf("%+v", d)
	}
	if p := h.percentile(1); p != 3*time.Second {
		t.Errorf("all are within %v", p)
	}
}

// turns notes the turns of one call, the fifth of which takes long.
type turns struct {
	clock audio.Clock
	slots []int64
	late  []time.Duration
}

func (r *turns) turn(slot int64, at time.Duration) {
	r.slots = append(r.slots, slot)
	r.late = append(r.late, r.clock()-at)
	if len(r.slots) == 5 {
		time.Sleep(70 * time.Millisecond)
	}
}

func TestTheWheelLeavesNoTurnOutAndCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := audio.NewClock()
		w := newWheel(clock, 0, 20*time.Millisecond, 1)
		r := &turns{clock: clock}
		w.join(3, r)
		ctx, cancel := context.WithTimeout(t.Context(), 999*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		var late histogram
		w.run(ctx, &wg, func(by, _ time.Duration) { late.add(by) })
		wg.Wait()
		if len(r.slots) != 50 {
			t.Fatalf("%d turns in 50 frames", len(r.slots))
		}
		for i, slot := range r.slots {
			if slot != int64(i) {
				t.Errorf("turn %d is of slot %d", i, slot)
			}
		}
		if r.late[4] != 0 || r.late[5] != 50*time.Millisecond || r.late[8] != 0 {
			t.Errorf("late %v", r.late[:10])
		}
		if late.delay().Max != 50 {
			t.Errorf("counted as late: %+v", late.delay())
		}
	})
}

func TestCallsAreSpreadEvenlyOverTheFrame(t *testing.T) {
	w := newWheel(nil, 0, 20*time.Millisecond, 1)
	for _, calls := range []int{20, 100, 300} {
		count := make([]int, 20)
		for i := range calls {
			count[w.place(i)]++
		}
		for at, n := range count {
			if most := calls/20 + 2; n > most {
				t.Errorf("%d of %d calls have the turn at %d ms", n, calls, at)
			}
		}
	}
}

func TestGoertzelTellsTheAmplitude(t *testing.T) {
	pcm := make([]int16, checkLength)
	tones[2].source(0.1)(pcm)
	if a := math.Sqrt(goertzel(pcm, tones[2][0])); math.Abs(a-0.1) > 0.001 {
		t.Errorf("amplitude %.4f, want 0.1", a)
	}
	if a := math.Sqrt(goertzel(pcm, tones[3][0])); a > 0.0005 {
		t.Errorf("another tone has %.5f", a)
	}
}

func TestTheDetectorFindsTheDelayOfACodec(t *testing.T) {
	for name, tc := range map[string]struct {
		codec     codec.Codec
		want, tol int // samples
	}{
		"pcm":  {pcm.Codec{}, 0, 24},
		"opus": {opus.Codec{}, 312, 96},
	} {
		for _, frame := range []int{480, 960} {
			c := plan(func(c *Config) { c.Codec, c.Options.FrameSamples = tc.codec, frame })
			s, err := compose(&c)
			if err != nil {
				t.Fatal(err)
			}
			for i, found := range s.found {
				for _, d := range found {
					if n := audio.Samples(d); n < tc.want-tc.tol || n > tc.want+tc.tol {
						t.Errorf("%s in frames of %d: %d samples for tone %d, want about %d", name, frame, n, i, tc.want)
					}
				}
			}
		}
	}
}

func TestAVoiceIsSaidInAnEcho(t *testing.T) {
	c := plan(func(c *Config) { c.Destination, c.Codec = "echo", opus.Codec{} })
	s, err := compose(&c)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.talkers) != 4 || len(s.talkers[0].packets) != 100 {
		t.Fatalf("%d voices of %d frames", len(s.talkers), len(s.talkers[0].packets))
	}
	same := 0
	for i, p := range s.talkers[0].packets {
		if string(p) == string(s.talkers[1].packets[i]) {
			same++
		}
		if s.talkers[0].marks[i]&wire.MarkLevelValid == 0 {
			t.Errorf("frame %d has no level", i)
		}
	}
	if same > 10 {
		t.Errorf("%d frames of two voices are the same", same)
	}
}

// stage is a swarm that was prepared and does not run.
func stage(t *testing.T, change func(*Config)) *swarm {
	t.Helper()
	cfg := plan(change)
	s := &swarm{cfg: cfg, clock: func() time.Duration { return 0 }}
	s.cfg.Connect = nil
	s.tally.measuring.Store(true)
	scores, err := compose(&s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.wheel = newWheel(s.clock, 0, s.cfg.frame(), 1)
	for range s.cfg.Rooms {
		s.rooms = append(s.rooms, &room{})
	}
	for i := range s.cfg.Calls {
		l, err := newLeg(s, i, scores)
		if err != nil {
			t.Fatal(err)
		}
		l.link = wire.NewLink(0)
		s.legs = append(s.legs, l)
		if l.tone >= 0 {
			l.room.talking.Add(1)
		}
	}
	return s
}

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
		c := listen(s, 2, delay, map[int]float64{0: 1, 1: 1}) // a listener
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
	play48(s.legs[2].ledger.ear, pcm, 0)
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
	play48(s.legs[2].ledger.ear, pcm, 10*time.Millisecond)
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
		"all is right for a listener":       {2, map[int]float64{0: 1, 1: 1}, ""},
		"all is right for a talker":         {0, map[int]float64{1: 1}, ""},
		"a listener misses a talker":        {2, map[int]float64{0: 1}, "1 of at least 2 talkers"},
		"a talker hears itself":             {0, map[int]float64{0: 0.3, 1: 1}, "of the listener"},
		"a talker of another room is heard": {2, map[int]float64{0: 1, 1: 1, 5: 0.2}, "of another room"},
		"a talker is far too soft":          {2, map[int]float64{0: 1, 1: 0.1}, "1 of at least 2 talkers"},
	} {
		c := listen(stage(t, nil), tc.call, 20*time.Millisecond, tc.heard)
		wrong := strings.Join(c.wrong, "; ")
		if (wrong == "") != (tc.want == "") || !strings.Contains(wrong, tc.want) {
			t.Errorf("%s: %q", name, wrong)
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
	c := listen(s, 2, 0, map[int]float64{0: 1})
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

// echoed is the chunk that a right server sends for a slot.
func echoed(l *leg, slot int) *api.AudioChunk {
	return &api.AudioChunk{
		AudioData: l.score.packets[slot], Marks: l.score.marks[slot],
		Sequence: uint64(slot + 1), Epoch: 1, MediaTime: uint64(slot*960 + 1),
	}
}

func TestAnEchoIsVerifiedByteByByteAndBySequence(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(c *api.AudioChunk)
		want   string
	}{
		"as it was sent":         {func(*api.AudioChunk) {}, ""},
		"one bit is wrong":       {func(c *api.AudioChunk) { d := append([]byte{}, c.AudioData...); d[3] ^= 1; c.AudioData = d }, "other audio"},
		"a frame before is gone": {func(c *api.AudioChunk) { c.Sequence++ }, "0 marked"},
		"it came before":         {func(c *api.AudioChunk) { c.Sequence-- }, "sequence 1 after 1"},
		"another frame's time":   {func(c *api.AudioChunk) { c.MediaTime += 960 }, "media time"},
		"the marks are others":   {func(c *api.AudioChunk) { c.Marks ^= 1 }, "marks"},
		"no sequence":            {func(c *api.AudioChunk) { c.Sequence = 0 }, "without sequence"},
		"a drop with its mark":   {func(c *api.AudioChunk) { c.Sequence, c.DroppedBefore, c.MediaTime = 3, 1, 2*960+1 }, "other audio"},
	} {
		l := stage(t, func(c *Config) { c.Destination, c.Calls = "echo", 1 }).legs[0]
		l.ledger.enter(echoed(l, 0), 0)
		c := echoed(l, 1)
		tc.change(c)
		l.ledger.enter(c, 25*time.Millisecond)
		wrong := strings.Join(l.swarm.tally.wrong, "; ")
		if (wrong == "") != (tc.want == "") || !strings.Contains(wrong, tc.want) {
			t.Errorf("%s: %q", name, wrong)
		}
	}
	l := stage(t, func(c *Config) { c.Destination, c.Calls = "echo", 1 }).legs[0]
	l.ledger.enter(echoed(l, 0), 0)
	dropped := echoed(l, 2)
	dropped.DroppedBefore = 1
	l.ledger.enter(dropped, 70*time.Millisecond)
	c := &l.swarm.tally
	if c.failures.Load() != 0 || c.dropped.Load() != 1 || c.late.Load() != 1 || c.verified.Load() != 2 || c.added.delay().Max != 30 {
		t.Errorf("dropped %d, late %d, verified %d, added %+v, %q", c.dropped.Load(), c.late.Load(), c.verified.Load(), c.added.delay(), c.wrong)
	}
}
