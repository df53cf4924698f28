//go:build !race

package e2e

import (
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
)

// lossy is a link between two proxies on which packets get lost. Where that
// cannot be had, one proxy is paused for the outage and nothing else is lost.
type lossy struct {
	network    *namespace // nil: the proxy alone
	near, far  *proxy.Proxy
	percentage int
}

func newLossy(t *testing.T, server string) *lossy {
	t.Helper()
	n, err := newNamespace(t)
	if err != nil {
		t.Logf("packets cannot be dropped here, so the proxy is paused instead: %v", err)
		p := proxy.Start(t, server)
		return &lossy{near: p, far: p}
	}
	far := proxy.StartAcross(t, server, proxy.Options{Listen: n.do})
	near := proxy.StartAcross(t, far.Addr, proxy.Options{Dial: n.do})
	return &lossy{network: n, near: near, far: far, percentage: 2}
}

// lose drops a share of the packets, in percent.
func (l *lossy) lose(t *testing.T, percent int) {
	t.Helper()
	if l.network == nil {
		return
	}
	if err := l.network.drop(percent); err != nil {
		t.Fatal(err)
	}
}

// dropped returns how many packets were lost since the last lose.
func (l *lossy) dropped(t *testing.T) int {
	t.Helper()
	if l.network == nil {
		return 0
	}
	packets, err := l.network.dropped()
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// cutOff drops everything for so long and returns when that was over.
func (l *lossy) cutOff(t *testing.T, clock audio.Clock, d time.Duration) (end time.Duration) {
	t.Helper()
	if l.network == nil {
		l.near.Pause(proxy.Up, proxy.Down)
		defer l.near.Resume(proxy.Up, proxy.Down)
	}
	l.lose(t, 100)
	pass(d)
	l.lose(t, 0)
	return clock()
}

// outage drops everything for the length of a stall. It returns when it began,
// ended, and when both ends had got something again.
func (l *lossy) outage(t *testing.T, clock audio.Clock) (begin, end, first time.Duration) {
	t.Helper()
	if l.network == nil {
		begin, first = paused(t, l.near, clock, []proxy.Direction{proxy.Up, proxy.Down})
		return begin, begin + stall, first
	}
	l.lose(t, 100)
	begin = clock()
	pass(stall)
	l.far.Watch(proxy.Up)
	l.near.Watch(proxy.Down)
	l.lose(t, 0)
	end = clock()
	first = max(firstByte(t, l.far, clock, proxy.Up), firstByte(t, l.near, clock, proxy.Down))
	return begin, end, first
}

// TestLostPacketsAreOverWhenTCPIsOver loses 2 % of all packets for a while, and
// then all of them for 2 s. TCP takes its own time to notice that the network is
// back; the call is live soon after.
func TestLostPacketsAreOverWhenTCPIsOver(t *testing.T) {
	t.Parallel()
	calmly(t, func(t *testing.T) (wrong []string, calm bool) {
		t.Helper()
		clock := audio.NewClock()
		link := newLossy(t, servertest.Start(t, servertest.Options{}).Addr)
		o := operate(t, clock, link.near.Addr, "echo", stamped, nil)
		defer o.stop()
		pass(settled)
		begin := clock()
		link.lose(t, link.percentage)
		pass(settled)
		gone := link.dropped(t)
		clean, _ := delay(o.ear.between(begin-time.Second, begin))
		lossy, share := delay(o.ear.between(begin, clock()))
		t.Logf("with %d packets lost in %v: delay %v instead of %v, %.1f %% of the voice whole",
			gone, settled, lossy.Round(time.Millisecond), clean.Round(time.Millisecond), 100*share)
		link.lose(t, 0)
		pass(settled)

		begin, end, first := link.outage(t, clock)
		pass(aftermath)
		r := returns("the loop", o.ear, begin, first)
		t.Logf("after all were lost for %v TCP needed %v to bring the first byte to both ends, the call %v more to be live",
			stall, (first - end).Round(time.Millisecond), r.took.Round(time.Millisecond))
		o.stop()
		if rep := o.call.Report(); rep.Lost != 0 {
			wrong = append(wrong, fmt.Sprintf("%d frames were lost in TCP", rep.Lost))
		}
		return append(wrong, r.check(t, true)...), o.ear.calm(begin-time.Second, first+aftermath)
	})
}

// TestADeadNetworkIsNotWaitedForLongerThanItIsDead loses all packets for 8 s. TCP,
// which tries ever more seldom, would try next after up to as long again; the
// call is live within 2 s over another connection.
func TestADeadNetworkIsNotWaitedForLongerThanItIsDead(t *testing.T) {
	const (
		deadFor    = 8 * time.Second
		backWithin = 2 * time.Second
	)
	t.Parallel()
	calmly(t, func(t *testing.T) (wrong []string, calm bool) {
		t.Helper()
		clock := audio.NewClock()
		link := newLossy(t, servertest.Start(t, servertest.Options{}).Addr)
		o := operate(t, clock, link.near.Addr, "echo", stamped, nil)
		defer o.stop()
		pass(settled)
		begin := clock()
		end := link.cutOff(t, clock, deadFor)
		pass(backWithin + aftermath)
		before, _ := delay(o.ear.between(begin-time.Second, begin))
		took, live := timeToLive(o.ear.between(end, end+backWithin+aftermath), end, before)
		o.stop()
		r := o.call.Report()
		t.Logf("live again %v after the network was; %d reconnects, %.1f s without a link", took.Round(time.Millisecond), r.Reconnects, r.GapS)
		if !live || took > backWithin {
			wrong = append(wrong, fmt.Sprintf("live again: %v, after %v; want %v at most", live, took, backWithin))
		}
		if r.Lost != 0 || link.network != nil && r.Reconnects == 0 {
			wrong = append(wrong, fmt.Sprintf("%d frames were lost, %d reconnects", r.Lost, r.Reconnects))
		}
		return wrong, o.ear.calm(begin-time.Second, begin) && o.ear.calm(end, end+backWithin+aftermath)
	})
}
