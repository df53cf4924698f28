package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

const (
	// pollEvery is the pace of the meters.
	pollEvery = 50 * time.Millisecond
	// settle bounds how long meters may go on falling after a call: from full
	// scale to the bottom takes 1.5 s of peak hold and 4.5 s of fall.
	settle = 8 * time.Second
)

// The messages of feed.
type (
	snapshotMsg struct {
		callstate.Snapshot
		at time.Time
	}
	noticeMsg callstate.Notice
	benchMsg  callstate.Bench
	checkMsg  struct {
		callstate.Check
		at time.Time
	}
	historyMsg callstate.History
)

// feed brings the phone's news to the screen through send, until ctx ends or
// the phone does, and those of what is open beside it. It is the only caller of
// Snapshot and State. While the line is idle, the meters rest and nothing else is
// open that moves it holds no timer: only the phone and the screen's keys wake it.
func feed(ctx context.Context, phone desk.Phone, beside *aside, send func(tea.Msg)) {
	notices, changed := phone.Notices(), phone.Changed()
	poll := time.NewTimer(pollEvery)
	poll.Stop()
	defer poll.Stop()

	var busy time.Time // when the line was last seen in use
	look := func() {
		snap, now := phone.Snapshot(), time.Now()
		send(snapshotMsg{Snapshot: snap, at: now})
		if snap.State != callstate.Idle {
			busy = now
		}
		if snap.State != callstate.Idle || meterMoves(snap) && now.Sub(busy) < settle {
			poll.Reset(pollEvery)
		} else {
			poll.Stop()
		}
	}
	pollAside := time.NewTimer(pollEvery)
	pollAside.Stop()
	defer pollAside.Stop()
	var settled time.Time // when what was asked for has surely begun
	lookAside := func() {
		now := time.Now()
		if moves, open := beside.look(now, send); moves || open && now.Before(settled) {
			pollAside.Reset(pollEvery)
		} else {
			pollAside.Stop()
		}
	}
	look()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changed:
			if !ok {
				changed = nil
				continue
			}
			look()
		case <-poll.C:
			look()
		case <-beside.woken:
			settled = time.Now().Add(asideSettles)
			lookAside()
		case <-pollAside.C:
			lookAside()
		case notice, ok := <-notices:
			if !ok {
				return
			}
			send(noticeMsg(notice))
		}
	}
}

// meterMoves reports whether a meter has still something to fall to.
func meterMoves(s callstate.Snapshot) bool {
	for _, m := range []callstate.Meter{s.Microphone, s.Earpiece} {
		if m.Clip || m.Peak > scaleFloor || m.RMS > scaleFloor || m.Hold > scaleFloor {
			return true
		}
	}
	return false
}
