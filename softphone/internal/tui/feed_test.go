package tui

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// feeding runs feed on a phone in a bubble of synctest and returns what it
// sent so far.
func feeding(t *testing.T, phone *fakePhone) (sent func() []tea.Msg, ended func() bool) {
	t.Helper()
	messages := make(chan tea.Msg, 10000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		feed(t.Context(), phone, newAside(Options{}), func(msg tea.Msg) { messages <- msg })
	}()
	sent = func() []tea.Msg {
		synctest.Wait()
		var all []tea.Msg
		for len(messages) > 0 {
			all = append(all, <-messages)
		}
		return all
	}
	ended = func() bool {
		synctest.Wait()
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	return sent, ended
}

func TestNoTickIsScheduledWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := newFakePhone(idleSnapshot())
		sent, _ := feeding(t, phone)
		time.Sleep(24 * time.Hour)
		if n := len(sent()); n != 1 || phone.looked() != 1 {
			t.Errorf("a day of silence: %d messages and %d snapshots, want the first one", n, phone.looked())
		}
		phone.signal()
		if n := len(sent()); n != 1 {
			t.Errorf("a change: %d messages, want one", n)
		}
		phone.notices <- callstate.Notice{Text: "the headset is back."}
		if got := sent(); len(got) != 1 || got[0].(noticeMsg).Text != "the headset is back." {
			t.Errorf("a notice: %v", got)
		}
	})
}

func TestACallIsPolledTwentyTimesASecond(t *testing.T) {
	for _, state := range []callstate.State{callstate.Dialing, callstate.Live, callstate.Ending} {
		t.Run(state.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				phone := newFakePhone(idleSnapshot())
				sent, _ := feeding(t, phone)
				sent()
				phone.set(func(s *callstate.Snapshot) { s.State = state })
				time.Sleep(10*time.Second + time.Millisecond)
				if n := len(sent()); n != 201 {
					t.Errorf("%d snapshots in ten seconds, want 201", n)
				}
			})
		})
	}
}

func TestMetersFallAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := newFakePhone(liveSnapshot())
		sent, _ := feeding(t, phone)
		time.Sleep(time.Second)
		sent()
		phone.set(func(s *callstate.Snapshot) { s.State = callstate.Idle })
		time.Sleep(2 * time.Second)
		if n := len(sent()); n < 35 {
			t.Errorf("%d snapshots while the meters fell, want about 40", n)
		}
		phone.set(func(s *callstate.Snapshot) { s.Microphone, s.Earpiece = silence, silence })
		sent()
		time.Sleep(time.Hour)
		if n := len(sent()); n != 0 {
			t.Errorf("%d snapshots after the meters came to rest", n)
		}
	})
}

func TestAMeterThatHangsDoesNotKeepThePollAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := newFakePhone(liveSnapshot())
		sent, _ := feeding(t, phone)
		phone.set(func(s *callstate.Snapshot) { s.State = callstate.Idle })
		time.Sleep(settle + time.Second)
		sent()
		time.Sleep(time.Hour)
		if n := len(sent()); n != 0 {
			t.Errorf("%d snapshots of a meter that hangs", n)
		}
	})
}

func TestTheFeedEndsWithThePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := newFakePhone(idleSnapshot())
		_, ended := feeding(t, phone)
		close(phone.changed) // alone it means nothing
		if ended() {
			t.Fatal("ended when Changed was closed")
		}
		close(phone.notices)
		if !ended() {
			t.Error("goes on after the phone ended")
		}
	})
}

func TestTheFeedEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		feed(ctx, newFakePhone(liveSnapshot()), newAside(Options{}), func(tea.Msg) {})
		if d := time.Since(start); d != time.Minute {
			t.Errorf("ended after %v", d)
		}
	})
}
