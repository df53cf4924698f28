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
