package port_test

import (
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

// TestAMicrophoneThatWasAwayGoesOnInTheTimeOfItsSound lets a microphone cease
// for five seconds. What the sound server kept of them comes at once.
func TestAMicrophoneThatWasAwayGoesOnInTheTimeOfItsSound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		backlog time.Duration
	}{
		{"with nothing kept", 0},
		{"with the last second kept", time.Second},
		{"with all of it kept", 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h handClock
			c := port.NewCapture(h.read)
			m := &microphone{size: 480, delay: 3 * time.Millisecond}
			frame := make([]int16, 960)
			var read []uint64
			run := func(until time.Duration) {
				for m.due() < until {
					h.now = max(h.now+100*time.Microsecond, m.due())
					c.DeliverLive(m.next())
					for {
						pos, ok := c.Read(frame)
						if !ok {
							break
						}
						if i := slices.Index(read, pos); i >= 0 || len(read) > 0 && pos < read[len(read)-1] {
							t.Fatalf("a frame at %d after one at %d", pos, read[len(read)-1])
						}
						// Half a callback is what a seam may be off.
						if at := audio.Duration(int(pos) + 960 + m.size/2); h.now-at > port.AbsenceLimit || at > h.now+10*time.Millisecond {
							t.Fatalf("a frame that ends at %v is read at %v", at, h.now)
						}
						read = append(read, pos)
					}
				}
			}
			run(2 * time.Second)
			before := read[len(read)-1]
			h.now = 7 * time.Second
			m.heard += ms(int((5*time.Second - tt.backlog).Milliseconds()))
			run(9 * time.Second)
			i := slices.Index(read, before) + 1
			if gap := audio.Duration(int(read[i] - before)); gap < 5*time.Second || gap > 5200*time.Millisecond {
				t.Errorf("the position jumps by %v, want what was missed and some 80 ms", gap)
			}
			if last := audio.Duration(int(read[len(read)-1])); last < 8900*time.Millisecond {
				t.Errorf("the last frame is at %v of 9 s", last)
			}
			st := c.Stats()
			if want := uint64(ms(int(tt.backlog.Milliseconds()))); st.Stale < want || st.Stale > want+uint64(ms(100)) {
				t.Errorf("%d samples were stale, want %d and those of some 60 ms", st.Stale, want)
			}
			if st.Gaps != 0 || st.Overrun != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestABusyMomentIsNoAbsence(t *testing.T) {
	var h handClock
	c := port.NewCapture(h.read)
	for _, wait := range []time.Duration{10 * time.Millisecond, 190 * time.Millisecond, time.Millisecond} {
		h.now += wait
		c.DeliverLive(make([]int16, 480))
	}
	if st := c.Stats(); st.Stale != 0 || st.Samples != 1440 {
		t.Errorf("stats %+v", st)
	}
}

func TestAnEarpieceThatWasAwayPlaysNothingStale(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	loud := func() []int16 {
		pcm := make([]int16, 1440)
		for i := range pcm {
			pcm[i] = 10000
		}
		return pcm
	}
	out := make([]int16, 480)
	p.Write(loud())
	p.TakeLive(out)
	h.now = 5 * time.Second
	p.TakeLive(out)
	if slices.ContainsFunc(out, func(v int16) bool { return v != 0 }) {
		t.Error("something stale was played")
	}
	if p.Buffered() != 0 || !signalled(p.Wanted()) {
		t.Errorf("%d samples wait, and the writer was not told", p.Buffered())
	}
	pos, _ := p.Write(loud())
	h.now += 10 * time.Millisecond
	p.TakeLive(out)
	if out[0] != 0 || out[479] != 10000 {
		t.Errorf("it begins with %d and ends with %d, want it to fade in", out[0], out[479])
	}
	if at, ok := p.TakenAt(pos); !ok || at != h.now {
		t.Errorf("what was written since was taken at %v (%v), want %v", at, ok, h.now)
	}
	if st := p.Stats(); st.Stale != 960 || st.Underruns != 0 || st.Gaps != 0 {
		t.Errorf("stats %+v", st)
	}
}
