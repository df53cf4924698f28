package plain_test

import (
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestWhoMayNotListenIsNotToldThatNobodyIsThere(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("room/x")
		d.happens(func(s *callstate.Snapshot) { s.MayNotListen = true })
		d.want(d.passes(2*time.Second), "Who else is in the room is not told: your token does not let you listen.")
		d.want(d.types("who"), "Who else is in the room is not told: your token does not let you listen.")
	})
}

func TestWhoMayNotSpeakIsNotToldThatSomethingArrives(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("room/x")
		d.happens(func(s *callstate.Snapshot) { s.MayNotSpeak = true })
		d.want(d.types("12#"), "Nothing was sent: your token does not let you speak, which digits need, too.")
		if said := d.types("quality"); !strings.HasSuffix(strings.TrimSpace(said), "They hear nothing of you: your token does not let you speak.") {
			t.Errorf("%q", said)
		}
	})
}
