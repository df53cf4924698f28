package sound

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio/device"
	"callcenter/softphone/internal/callstate"
)

// openCard opens the card's device as a microphone.
func openCard(t *testing.T) (*card, *deviceStream) {
	t.Helper()
	c := &card{t: t, present: true, period: 10 * time.Millisecond}
	d := newDevice(Options{Periods: FixedPeriods(10 * time.Millisecond)}, "", "microphone", newLadder(10*time.Millisecond))
	d.effect, d.faults = "nobody hears you", func() uint64 { return 0 }
	d.begin = c.begin
	d.open = func(_ context.Context, cfg device.Config) (handle, error) {
		h := c.begin(cfg)
		return h, <-h.Opened()
	}
	if _, err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, d
}

// sentences returns what was said so far.
func sentences(d *deviceStream) (said []string) {
	for {
		select {
		case n := <-d.Changed():
			said = append(said, n.Text)
		default:
			return said
		}
	}
}

// closed closes the stream and wants everything to be given back.
func closed(t *testing.T, c *card, d *deviceStream) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for i, h := range c.all {
		select {
		case <-h.released:
		default:
			t.Errorf("handle %d of %d was not given back", i, len(c.all))
		}
	}
}

func TestADeviceThatWasUnpluggedIsTakenBack(t *testing.T) {
	for name, word := range map[string]bool{"with a word": true, "without a word": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, d := openCard(t)
				defer closed(t, c, d)
				for round := range uint64(20) {
					time.Sleep(time.Second)
					c.vanish(word)
					time.Sleep(3*time.Second + 77*time.Millisecond)
					if h := d.Health(); h.State != callstate.EndGone || h.Since < 3*time.Second || h.Reopens != round {
						t.Fatalf("unplugged for 3 s: %+v", h)
					}
					c.do(func() { c.present = true })
					back := time.Now()
					for c.live() == 0 {
						time.Sleep(time.Millisecond)
					}
					if took := time.Since(back); took > 750*time.Millisecond {
						t.Errorf("taken back after %v", took)
					}
					time.Sleep(time.Second)
					if h := d.Health(); h.State != callstate.EndOpen || h.Since != 0 || h.Reopens != round+1 {
						t.Errorf("back: %+v", h)
					}
					if c.live() != 1 {
						t.Fatalf("%d devices use the port", c.live())
					}
					said := sentences(d)
					if len(said) != 2 || said[0] != `The microphone "Headset" is gone: nobody hears you until it is back. The call goes on.` ||
						!strings.HasPrefix(said[1], `The microphone "Headset" is back after 3.`) {
						t.Fatalf("said %q", said)
					}
				}
			})
		})
	}
}

func TestANoticeOfADeviceThatIsGoneNamesTheTroubleThatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.vanish(true)
		time.Sleep(time.Second)
		if n := notice(t, d); n.About != callstate.KindMicrophone || n.Severity != callstate.Failure {
			t.Errorf("gone: %+v", n)
		}
		c.do(func() { c.present = true })
		time.Sleep(time.Second)
		if n := notice(t, d); n.About != callstate.KindNone {
			t.Errorf("back: %+v", n)
		}
	})
}

func TestADeviceWhoseServerFrozeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(5 * time.Second)
		if h := d.Health(); h.State != callstate.EndStalled || h.Since < 5*time.Second-look || c.opened() != 2 {
			t.Errorf("frozen: %+v, %d openings", h, c.opened()-1)
		}
		thaw()
		time.Sleep(time.Second)
		if h := d.Health(); h.State != callstate.EndOpen || c.live() != 1 || c.opened() != 2 {
			t.Errorf("thawed: %+v, %d use the port of %d", h, c.live(), c.opened())
		}
		said := sentences(d)
		if len(said) != 2 || !strings.Contains(said[0], "stopped without a word (sound server?)") || !strings.Contains(said[1], "is back after 5.") {
			t.Errorf("said %q", said)
		}
	})
}

func TestAStreamThatDiedInAFreezeIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.freeze() // and what ran never goes on
		time.Sleep(5 * time.Second)
		c.do(func() { c.frozen = false })
		time.Sleep(500 * time.Millisecond)
		if h := d.Health(); h.State != callstate.EndOpen || h.Reopens != 1 || c.live() != 1 {
			t.Errorf("thawed: %+v, %d use the port", h, c.live())
		}
	})
}

func TestASuspendedDeviceIsTriedUntilItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		first := c.all[0]
		close(first.lost)
		c.do(func() {
			first.run(false)
			c.mute = true
		})
		time.Sleep(10 * time.Second)
		if h := d.Health(); h.State != callstate.EndGone || h.Reopens != 0 {
			t.Errorf("suspended: %+v", h)
		}
		c.do(func() { first.run(true) })
		time.Sleep(time.Second)
		if h := d.Health(); h.State != callstate.EndOpen || h.Reopens != 0 || c.live() != 1 {
			t.Errorf("resumed: %+v, %d use the port", h, c.live())
		}
	})
}

func TestAShortHoldUpIsNotWorthASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(600 * time.Millisecond)
		if h := d.Health(); h.State != callstate.EndStalled {
			t.Errorf("held up: %+v", h)
		}
		thaw()
		time.Sleep(time.Second)
		if said := sentences(d); len(said) != 0 || d.Health().State != callstate.EndOpen {
			t.Errorf("said %q", said)
		}
	})
}

func TestADeviceComesBackWithAnotherPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.vanish(false)
		time.Sleep(time.Second)
		c.do(func() { c.present, c.period = true, 23*time.Millisecond })
		time.Sleep(time.Second)
		if e := d.Endpoint(); e.Period != 23*time.Millisecond || d.Health().State != callstate.EndOpen {
			t.Errorf("open is %+v", e)
		}
	})
}

func TestClosingEndsInTimeWhileTheServerIsFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(time.Second)
		began := time.Now()
		if err := d.Close(); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("closing said %v", err)
		}
		if took := time.Since(began); took > closeLimit {
			t.Errorf("closing took %v", took)
		}
		thaw()
		for _, h := range c.all {
			<-h.released
		}
	})
}

func TestAnOutageOfAnHourLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		c.vanish(false)
		time.Sleep(time.Hour)
		if n := c.opened(); n > 3600+120 || n < 1800 {
			t.Errorf("%d openings in an hour", n)
		}
		left := 0
		for _, h := range c.all {
			select {
			case <-h.released:
			default:
				left++
			}
		}
		if left > 1 {
			t.Errorf("%d devices were not given back", left)
		}
	})
}
