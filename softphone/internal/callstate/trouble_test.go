package callstate_test

import (
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestTroublesNameTheWorstFirst(t *testing.T) {
	const s = time.Second
	for name, tc := range map[string]struct {
		snap callstate.Snapshot
		want string
	}{
		"all is well": {callstate.Snapshot{State: callstate.Live}, ""},
		"no call": {callstate.Snapshot{
			Link: callstate.Link{State: callstate.LinkLost}, MicrophoneEnd: callstate.End{State: callstate.EndGone}, Silence: callstate.ExactZeros,
		}, ""},
		"a quiet link": {callstate.Snapshot{
			State: callstate.Live, Link: callstate.Link{State: callstate.LinkProblem, Quiet: 1340 * time.Millisecond},
		}, "connection problem 1.3 s"},
		"a lost link": {callstate.Snapshot{
			State: callstate.Reconnecting, Link: callstate.Link{State: callstate.LinkLost, Quiet: 3 * s, GiveUpIn: 26100 * time.Millisecond, Draining: true},
		}, "reconnecting, 27 s left: nothing heard for 3.0 s"},
		"everything": {callstate.Snapshot{
			State: callstate.Live, Link: callstate.Link{State: callstate.LinkProblem, Quiet: 2 * s, Draining: true},
			MicrophoneEnd: callstate.End{State: callstate.EndStalled, Since: 12 * s},
			EarpieceEnd:   callstate.End{State: callstate.EndGone, Since: 125 * s},
			Silence:       callstate.NoCallbacks,
		}, "earpiece gone 2 min: you hear nothing, connection problem 2.0 s, microphone stalled 12 s, the server is about to end"},
		"zeros": {callstate.Snapshot{
			State: callstate.Live, Silence: callstate.ExactZeros, SilentFor: 1200 * time.Millisecond,
		}, "microphone silent 1.2 s: exact zeros, muted on the headset?"},
		"a flat level": {callstate.Snapshot{
			State: callstate.Live, Silence: callstate.FlatLevel, SilentFor: 3 * time.Hour,
		}, "microphone silent 3 h: flat level, a loose plug?"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := callstate.Join(tc.snap.Troubles()); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestDurationsAreSpeltShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:              "0.0 s",
		1249 * time.Millisecond: "1.2 s",
		9949 * time.Millisecond: "9.9 s",
		9951 * time.Millisecond: "10 s",
		99 * time.Second:        "99 s",
		2 * time.Minute:         "2 min",
		99 * time.Minute:        "99 min",
		3 * time.Hour:           "3 h",
	} {
		if got := callstate.Spell(d); got != want {
			t.Errorf("%v is spelt %q, want %q", d, got, want)
		}
	}
}
