package phone

import (
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

// told runs a hush over looks and returns what it said.
func told(looks []callstate.Snapshot, step time.Duration) []string {
	var said []string
	h := hush{say: func(n callstate.Notice) { said = append(said, n.Text) }}
	now := time.Duration(0)
	for i := range looks {
		now += step
		h.look(&looks[i], now)
	}
	return said
}

func TestASilenceIsToldOnceAndThatItIsOver(t *testing.T) {
	live := callstate.Snapshot{State: callstate.Live}
	with := func(change func(s *callstate.Snapshot)) callstate.Snapshot {
		s := live
		change(&s)
		return s
	}
	zeros := with(func(s *callstate.Snapshot) { s.Silence, s.SilentFor = callstate.ExactZeros, 1250*time.Millisecond })
	flat := with(func(s *callstate.Snapshot) { s.Silence = callstate.FlatLevel })
	stalled := with(func(s *callstate.Snapshot) { s.Silence = callstate.NoCallbacks })
	gone := with(func(s *callstate.Snapshot) {
		s.Silence, s.MicrophoneEnd.State = callstate.NoCallbacks, callstate.EndGone
	})
	muted := with(func(s *callstate.Snapshot) { s.Muted = true })
	idle := callstate.Snapshot{Silence: callstate.ExactZeros}
	for name, tc := range map[string]struct {
		looks []callstate.Snapshot
		step  time.Duration
		want  []string
	}{
		"zeros, then sound":           {[]callstate.Snapshot{live, zeros, zeros, zeros, live, live}, attendEvery, []string{"exact zeros", "again, after 2.0 s"}},
		"one silence after another":   {[]callstate.Snapshot{flat, stalled, live}, attendEvery, []string{"plug loose", "brings nothing", "sound again"}},
		"muted meanwhile":             {[]callstate.Snapshot{zeros, muted, live}, attendEvery, []string{"exact zeros"}},
		"still silent after muting":   {[]callstate.Snapshot{zeros, muted, zeros}, attendEvery, []string{"exact zeros", "exact zeros"}},
		"the device itself is gone":   {[]callstate.Snapshot{gone, gone, live}, attendEvery, nil},
		"no call":                     {[]callstate.Snapshot{idle, idle}, attendEvery, nil},
		"this program did not run":    {[]callstate.Snapshot{live, stalled, live}, 10 * time.Second, nil},
		"it did not, and heard zeros": {[]callstate.Snapshot{live, zeros}, 10 * time.Second, []string{"exact zeros"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := told(tc.looks, tc.step)
			if len(said) != len(tc.want) {
				t.Fatalf("said %q, want %q", said, tc.want)
			}
			for i, text := range said {
				if !strings.Contains(text, tc.want[i]) {
					t.Errorf("said %q, want %q", text, tc.want[i])
				}
			}
		})
	}
}
