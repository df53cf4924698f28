package swarm

import (
	"strings"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/codec"
	"callcenter/codec/opus"
)

// passing is a room of two whose frames are passed on: what `from` said in a slot,
// as `to` gets it a time after it was due.
func passing(from, to *leg, sequence, slot int, delay time.Duration, change func(c *api.AudioChunk)) {
	c := &api.AudioChunk{
		AudioData: from.score.packet(int64(slot)), Marks: from.score.mark(int64(slot)),
		Sequence: uint64(sequence), Epoch: 2, MediaTime: uint64(slot*960 + 1),
	}
	if change != nil {
		change(c)
	}
	to.ledger.enter(c, from.due(int64(slot))+delay)
}

// pair is a room of two that talk Opus.
func pair(t *testing.T) (*leg, *leg) {
	t.Helper()
	s := stage(t, func(c *Config) {
		c.Calls, c.Codec, c.Options = 2, opus.Codec{}, codec.Options{FrameSamples: 960, Complexity: 5, Bitrate: 32000}
	})
	return s.legs[0], s.legs[1]
}

func TestAFrameThatARoomForwardsIsVerifiedByteByByte(t *testing.T) {
	from, to := pair(t)
	for i := range 250 {
		passing(from, to, i+1, 30+i, 7*time.Millisecond, nil)
	}
	passing(from, to, 251, 280, 27*time.Millisecond, nil)
	c := &from.swarm.tally
	if d := c.added.delay(); d.Count != 251 || d.P50 < 7 || d.P50 > 7.1 || d.Max != 27 {
		t.Errorf("added delay %+v", d)
	}
	if c.verified.Load() != 251 || c.late.Load() != 1 || c.failures.Load() != 0 || c.restarts.Load() != 0 || c.windows.Load() != 0 || c.missed.Load() != 0 {
		t.Errorf("verified %d, late %d, restarts %d, windows %d, %q", c.verified.Load(), c.late.Load(), c.restarts.Load(), c.windows.Load(), c.wrong)
	}
}

// TestARoomThatMixesFirstAndForwardsThenIsVerifiedAllAlong lets a room send its
// own frames for two seconds, then a talker's, then its own again.
func TestARoomThatMixesFirstAndForwardsThenIsVerifiedAllAlong(t *testing.T) {
	from, to := pair(t)
	c, sequence := &from.swarm.tally, 0
	mixed := func(epoch uint32, slots, first int) {
		for i := range slots {
			sequence++
			// The room's clock is another, and what it encodes is late by two frames.
			passing(from, to, sequence, first+i, 40*time.Millisecond, func(c *api.AudioChunk) {
				c.MediaTime += 480
				c.Epoch = epoch
			})
		}
	}
	mixed(1, 200, 0)
	if c.verified.Load() != 0 || c.windows.Load() < 2 || c.added.n.Load() < 2 {
		t.Errorf("mixed: verified %d, windows %d, marks %d", c.verified.Load(), c.windows.Load(), c.added.n.Load())
	}
	windows, marks := c.windows.Load(), c.added.n.Load()
	for i := range 200 {
		sequence++
		passing(from, to, sequence, 200+i, 7*time.Millisecond, nil)
	}
	if c.verified.Load() != 200 || c.windows.Load() != windows || c.added.n.Load() != marks+200 {
		t.Errorf("forwarded: verified %d, windows %d, delays %d", c.verified.Load(), c.windows.Load(), c.added.n.Load())
	}
	mixed(3, 200, 400)
	if c.windows.Load() < windows+2 || c.missed.Load() != 0 || c.restarts.Load() != 2 || c.failures.Load() != 0 {
		t.Errorf("mixed again: windows %d, missed %d, restarts %d, %q", c.windows.Load(), c.missed.Load(), c.restarts.Load(), c.wrong)
	}
}

// TestARoomThatIsOlderThanTheCallIsNotLate begins with announced silence, as a call
// does that comes to a room where nobody talks yet.
func TestARoomThatIsOlderThanTheCallIsNotLate(t *testing.T) {
	from, to := pair(t)
	const older = 700 * time.Millisecond
	passing(from, to, 1, 0, older, func(c *api.AudioChunk) { c.AudioData, c.Marks = nil, wire.LevelMarks(127, false)|wire.MarkDTX })
	for i := 1; i < 100; i++ {
		passing(from, to, i+1, i, older, func(c *api.AudioChunk) { c.AudioData = from.score.packet(int64(i + 1)) })
	}
	if c := &from.swarm.tally; c.late.Load() != 0 || c.behind.delay().Max != 0 || c.behind.n.Load() != 99 {
		t.Errorf("late %d, behind %+v", c.late.Load(), c.behind.delay())
	}
}

func TestASilenceThatIsForwardedTellsItsLengthByMediaTime(t *testing.T) {
	from, to := pair(t)
	silence := func(c *api.AudioChunk) { c.AudioData, c.Marks = nil, wire.LevelMarks(127, false)|wire.MarkDTX }
	passing(from, to, 1, 30, 0, nil)
	passing(from, to, 2, 31, 0, silence)
	passing(from, to, 3, 40, 0, silence)
	passing(from, to, 4, 47, 0, nil)
	passing(from, to, 5, 48, 0, nil)
	c := &from.swarm.tally
	if c.failures.Load() != 0 || c.verified.Load() != 3 {
		t.Errorf("verified %d, %q", c.verified.Load(), c.wrong)
	}
	passing(from, to, 6, 50, 0, nil)
	if c.failures.Load() != 1 {
		t.Error("a frame is missing in speech, and nothing is wrong")
	}
}

func TestWhatIsWrongInARoomThatForwardsIsFound(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(c *api.AudioChunk)
		want   string
	}{
		"the marks are others":        {func(c *api.AudioChunk) { c.Marks ^= 1 }, "marks"},
		"a sequence is not there":     {func(c *api.AudioChunk) { c.Sequence++ }, "0 marked as dropped"},
		"the media time is another's": {func(c *api.AudioChunk) { c.MediaTime += 480 }, "media time"},
	} {
		from, to := pair(t)
		for i := range 9 {
			passing(from, to, i+1, i, 0, nil)
		}
		passing(from, to, 10, 9, 0, tc.change)
		if wrong := strings.Join(from.swarm.tally.wrong, "; "); !strings.Contains(wrong, tc.want) {
			t.Errorf("%s: %q", name, wrong)
		}
	}
	from, _ := pair(t)
	for i := range 3 {
		passing(from, from, i+1, 30+i, time.Millisecond, nil)
	}
	if wrong := strings.Join(from.swarm.tally.wrong, "; "); !strings.Contains(wrong, "its own audio") {
		t.Errorf("a talker gets its own frames: %q", wrong)
	}
}

func TestInARoomWhereAllTalkTwoListen(t *testing.T) {
	s := stage(t, func(c *Config) { c.Calls, c.Rooms, c.Talkers = 8, 4, 2 })
	for i, l := range s.legs {
		if l.ledger.ear == nil {
			t.Errorf("call %d has no ear", i)
		}
	}
}
