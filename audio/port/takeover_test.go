package port_test

import (
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

// room is a sound that two microphones hear: the sample at any moment.
func room(at int) int16 { return int16(8000 * math.Sin(float64(at)/20)) }

// microphone is a virtual device: it delivers what the room sounded like, by
// the hand clock, in callbacks of size samples, each delay late.
type microphone struct {
	heard int // the moment, in samples, up to which it has recorded
	size  int
	delay time.Duration
}

func (m *microphone) next() []int16 {
	pcm := make([]int16, m.size)
	for i := range pcm {
		pcm[i] = room(m.heard + i)
	}
	m.heard += m.size
	return pcm
}

// due is when the next callback comes.
func (m *microphone) due() time.Duration { return audio.Duration(m.heard+m.size) + m.delay }

// swap runs one microphone for a second, another beside it for the last 300
// ms, then the other alone, and returns what was read, frame by frame.
func swap(t *testing.T, from, to *microphone, hole time.Duration) (positions []uint64, pcm []int16, c *port.Capture) {
	t.Helper()
	var h handClock
	c = port.NewCapture(h.read)
	frame := make([]int16, 960)
	read := func() {
		for {
			pos, ok := c.Read(frame)
			if !ok {
				return
			}
			positions, pcm = append(positions, pos), append(pcm, frame...)
		}
	}
	var r port.Rehearsal
	to.heard = ms(700) + 77
	for h.now < time.Second {
		if to.due() < from.due() {
			h.now = to.due()
			to.next()
			c.Rehearse(&r, to.size)
			continue
		}
		h.now = from.due()
		c.Deliver(from.next())
		read()
	}
	for end := from.heard + audio.Samples(hole); to.heard+to.size < end; {
		h.now = to.due()
		c.Rehearse(&r, len(to.next()))
	}
	c.TakeOver(&r)
	for h.now < 3*time.Second {
		h.now = to.due()
		c.Deliver(to.next())
		read()
	}
	return positions, pcm, c
}

func TestAMicrophoneTakesOverWhereTheOtherEnded(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to microphone
		hole     time.Duration
	}{
		{"to a longer period", microphone{size: 240}, microphone{size: 480}, 0},
		{"to a much longer period", microphone{size: 240}, microphone{size: 960, delay: time.Millisecond}, 0},
		{"to a shorter period", microphone{size: 960, delay: time.Millisecond}, microphone{size: 240}, 0},
		{"after a hole of 60 ms", microphone{size: 240}, microphone{size: 240}, 60 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := tt.from, tt.to
			positions, pcm, c := swap(t, &from, &to, tt.hole)
			for i, pos := range positions {
				if pos != uint64(i*960) {
					t.Fatalf("frame %d is at %d: a position was left out", i, pos)
				}
			}
			off := to.heard - int(c.Stats().Samples)
			if limit := audio.Samples(2*time.Millisecond) + to.size/2; off > limit || off < -limit {
				t.Errorf("the new positions are %d samples off the sound's time, want at most %d", off, limit)
			}
			if waits := int(c.Stats().Samples) % 960 % to.size; waits != 0 {
				t.Errorf("frames end %d samples after a callback, want together with one", waits)
			}
			for i := 1; i < len(pcm); i++ {
				if step := int(pcm[i]) - int(pcm[i-1]); step > 600 || step < -600 {
					t.Fatalf("a step of %d at %v; the sound's own are 400", step, audio.Duration(i))
				}
			}
			if st := c.Stats(); st.Overrun+st.Gaps != 0 || st.Flushed != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestALongHoleBetweenMicrophonesIsAJump(t *testing.T) {
	from, to := microphone{size: 480}, microphone{size: 480}
	positions, _, c := swap(t, &from, &to, time.Second)
	jumps := 0
	for i := 1; i < len(positions); i++ {
		if d := positions[i] - positions[i-1]; d != 960 {
			jumps++
			if d < uint64(ms(950)) || d > uint64(ms(1100)) {
				t.Errorf("the position jumps by %d ms, want a second", d/48)
			}
		}
	}
	if jumps != 1 {
		t.Errorf("%d jumps, want 1", jumps)
	}
	if off := to.heard - int(c.Stats().Samples); off > ms(8) || off < -ms(8) {
		t.Errorf("the new positions are %d samples off the sound's time", off)
	}
}

func TestAnEarpieceThatTakesOverFadesIn(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	loud := make([]int16, 4800)
	for i := range loud {
		loud[i] = 10000
	}
	p.Write(loud)
	out := make([]int16, 100)
	p.Take(out)
	p.TakeOver()
	last := 0
	for range 3 {
		p.Take(out)
		for _, v := range out {
			if step := int(v) - last; step < 0 || step > 100 {
				t.Fatalf("a step of %d from %d to %d", step, last, v)
			}
			last = int(v)
		}
	}
	if last != 10000 {
		t.Errorf("ends at %d, want 10000", last)
	}
	if st := p.Stats(); st.Gaps != 0 || st.Underruns != 0 || st.Taken != 400 {
		t.Errorf("stats %+v", st)
	}
}
