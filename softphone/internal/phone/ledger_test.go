package phone_test

import (
	"errors"
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

func TestACallIsTakenDownFromTheDialToItsEnd(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	link := proxy.Start(t, s.Addr)
	kept := &ledger{}
	p := startPhone(t, link.Addr, &fakeSound{}, func(c *phone.Config) {
		c.Ledger = kept
		c.Contacts = []callstate.Contact{{Name: "Loop", Destination: "echo"}}
	})
	before := time.Now()
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	notes := kept.of("echo")
	first := notes[0]
	if first.CallID != p.Snapshot().CallID || first.Name != "Loop" || first.Server != link.Addr || first.Start.Before(before) || first.Ended != "" {
		t.Errorf("dialed: %+v", first)
	}
	waitFor(t, "what is known of it to grow", func() bool {
		notes = kept.of("echo")
		now := notes[len(notes)-1]
		return now.Length > time.Second && now.MOS > 1 && now.WorstMOS > 1 && now.Ended == "" && now.Gaps == 0
	})
	link.Reset(proxy.Down)
	notice(t, p, "Back after")
	waitState(t, p, callstate.Live)
	p.HangUp()
	waitState(t, p, callstate.Idle)
	notes = kept.of("echo")
	last := notes[len(notes)-1]
	if last.CallID != first.CallID || last.Start != first.Start || last.Ended != "hung up" || last.Err != "" || last.Length < time.Second ||
		last.Gaps != 1 || last.Gap <= 0 || last.MOS < 1 || last.WorstMOS > last.MOS || last.WorstMOS < 1 {
		t.Errorf("at its end: %+v", last)
	}
}

func TestACallThatFailsIsTakenDownWithItsReason(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	kept := &ledger{}
	p := startPhone(t, s.Addr, &fakeSound{captureErr: errors.New("no microphone: plug one in")}, func(c *phone.Config) { c.Ledger = kept })
	p.Dial("room/Wrong Number")
	notice(t, p, "plug one in")
	waitState(t, p, callstate.Idle)
	notes := kept.of("room/Wrong Number")
	if len(notes) != 2 || notes[1].Ended != "failed" || notes[1].Err != "no microphone: plug one in" || notes[1].MOS != 0 || notes[1].Length != 0 {
		t.Errorf("%+v", notes)
	}
	if r := kept.Recent(); len(r) != 0 {
		t.Errorf("what cannot be dialed is among %v", r)
	}
}
