package phone

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestALatchWarnsAndClosesInAPause(t *testing.T) {
	const limit = 10 * time.Second
	// Each look is told from what moment on the operator is silent.
	for name, tc := range map[string]struct {
		speaksUntil   time.Duration
		warns, closes []time.Duration
	}{
		"silent":              {0, []time.Duration{7 * time.Second}, []time.Duration{limit}},
		"silent just before":  {9900 * time.Millisecond, []time.Duration{7 * time.Second}, []time.Duration{limit}},
		"speaks a little on":  {12 * time.Second, []time.Duration{7 * time.Second}, []time.Duration{12 * time.Second}},
		"speaks on and on":    {time.Hour, []time.Duration{7 * time.Second, 17 * time.Second}, []time.Duration{20 * time.Second}},
		"until just after it": {limit + time.Millisecond, []time.Duration{7 * time.Second}, []time.Duration{limit + 250*time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			const start = time.Minute
			l := latch{open: true, limit: limit, since: start}
			var warns, closes []time.Duration
			for at := time.Duration(0); at < time.Minute; at += attendEvery {
				if left := l.left(start + at); l.open && left != max(0, limit-at) {
					t.Fatalf("at %v %v are left", at, left)
				}
				switch l.look(start+at, at < tc.speaksUntil) {
				case latchWarns:
					warns = append(warns, at)
				case latchCloses:
					closes = append(closes, at)
				case latchRests:
				}
			}
			if !equal(warns, tc.warns) || !equal(closes, tc.closes) || l.open || l.left(start) != 0 {
				t.Errorf("warned at %v, closed at %v; want %v and %v", warns, closes, tc.warns, tc.closes)
			}
		})
	}
}

func equal(a, b []time.Duration) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// inCall runs f on a phone that dials and is attended to, in virtual time.
func inCall(t *testing.T, limit time.Duration, f func(p *Phone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{
			Servers: []string{"test"}, TalkLimit: limit,
			Asleep: func() (time.Duration, error) { return 0, nil },
		})
		if err := p.begin("echo", func() {}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var attending sync.WaitGroup
		attending.Go(func() { p.watch(ctx) })
		f(p)
		cancel()
		attending.Wait()
	})
}

// read is what was said since the last time.
func read(p *Phone) string {
	var b strings.Builder
	for {
		select {
		case n := <-p.notices:
			b.WriteString(n.Text + "\n")
		default:
			return b.String()
		}
	}
}

func TestPushToTalkOpensAMutedMicrophoneForAWhile(t *testing.T) {
	inCall(t, 10*time.Second, func(p *Phone) {
		p.ToggleMute()
		p.Talk()
		if s := p.Snapshot(); s.Muted || s.Talk != (callstate.Talk{Open: true, Left: 10 * time.Second, Limit: 10 * time.Second}) {
			t.Fatalf("muted %v, %+v", s.Muted, s.Talk)
		}
		time.Sleep(9 * time.Second)
		if s := p.Snapshot(); s.Muted || s.Talk != (callstate.Talk{Open: true, Left: time.Second, Limit: 10 * time.Second}) {
			t.Fatalf("9 s later: muted %v, %+v", s.Muted, s.Talk)
		}
		time.Sleep(1250 * time.Millisecond)
		if s := p.Snapshot(); !s.Muted || s.Talk.Open || s.Talk.Left != 0 {
			t.Fatalf("at its end: muted %v, %+v", s.Muted, s.Talk)
		}
		if said := read(p); !strings.Contains(said, "muted again after 10 s") {
			t.Errorf("said %q", said)
		}
		p.Talk()
		time.Sleep(time.Second)
		p.Talk()
		if s := p.Snapshot(); !s.Muted || s.Talk.Open {
			t.Errorf("pressed again: muted %v, %+v", s.Muted, s.Talk)
		}
		time.Sleep(time.Minute)
		if said := read(p); said != "" {
			t.Errorf("said %q of what the operator did", said)
		}
	})
}

func TestPushToTalkLeavesAnOpenMicrophoneOpen(t *testing.T) {
	inCall(t, 0, func(p *Phone) {
		p.Talk()
		if s := p.Snapshot(); s.Muted || s.Talk.Open {
			t.Errorf("muted %v, %+v", s.Muted, s.Talk)
		}
		if said := read(p); !strings.Contains(said, "press m to mute; then space talks for 30 s") {
			t.Errorf("said %q", said)
		}
		p.ToggleMute()
		p.Talk()
		p.ToggleMute()
		if s := p.Snapshot(); s.Muted || s.Talk.Open {
			t.Errorf("unmuted while it was open: muted %v, %+v", s.Muted, s.Talk)
		}
		if said := read(p); !strings.Contains(said, "stays open") {
			t.Errorf("said %q", said)
		}
		time.Sleep(2 * time.Minute)
		if s := p.Snapshot(); s.Muted {
			t.Error("muted by a timer that was over")
		}
		p.ToggleMute()
		if !p.Snapshot().Muted {
			t.Error("the next press does not mute")
		}
	})
}

func TestPushToTalkEndsWithTheCall(t *testing.T) {
	inCall(t, 0, func(p *Phone) {
		p.ToggleMute()
		p.Talk()
		p.idle()
		p.Talk() // without a call
		p.ToggleMute()
		if s := p.Snapshot(); s.Talk.Open || s.Muted {
			t.Errorf("muted %v, %+v", s.Muted, s.Talk)
		}
		if err := p.begin("echo", func() {}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := p.Snapshot(); s.Muted {
			t.Error("the next call is muted by the timer of the last")
		}
	})
}
