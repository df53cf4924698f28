package wire_test

import (
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
)

const ms = time.Millisecond

func TestRoundTripsNeedNoCommonClock(t *testing.T) {
	for _, c := range []struct{ there, held, back time.Duration }{
		{30 * ms, 0, 30 * ms},
		{5 * ms, 40 * ms, 70 * ms},
		{0, 200 * ms, 0},
		{time.Second, 3 * time.Second, 10 * ms},
	} {
		const ahead = 12345 * time.Second // the peer's clock
		us, peer := wire.NewLink(0), wire.NewLink(ahead)
		var chunk api.AudioChunk
		us.Stamp(&chunk, 10*ms)
		peer.Received(&chunk, ahead+10*ms+c.there)
		peer.Stamp(&chunk, ahead+10*ms+c.there+c.held)
		rtt, ok := us.Received(&chunk, 10*ms+c.there+c.held+c.back)
		if want := c.there + c.back; !ok || rtt != want {
			t.Errorf("measured %v, want %v", rtt, want)
		}
		if smooth, ok := us.RTT(); !ok || smooth != c.there+c.back {
			t.Errorf("the first one is smoothed to %v", smooth)
		}
	}
}

func TestTheEchoIsThatOfTheNewestChunk(t *testing.T) {
	l := wire.NewLink(0)
	for i, sent := range []uint64{500, 900, 700} {
		l.Received(&api.AudioChunk{SentAt: sent}, time.Duration(i)*10*ms)
	}
	var c api.AudioChunk
	l.Stamp(&c, 50*ms)
	if c.EchoSentAt != 900 || c.EchoHeld != 40000 {
		t.Errorf("echo %d held %d", c.EchoSentAt, c.EchoHeld)
	}
	l.Stamp(&c, 50*ms+time.Hour)
	if c.EchoSentAt != 0 || c.EchoHeld != 0 {
		t.Errorf("an echo held for an hour is still sent: %d, %d", c.EchoSentAt, c.EchoHeld)
	}
}

func TestWhatMeasuresNoRoundTrip(t *testing.T) {
	for name, c := range map[string]*api.AudioChunk{
		"no echo":                            {},
		"an echo of the future":              {EchoSentAt: 1 << 60},
		"held for longer than since sending": {EchoSentAt: 900_000, EchoHeld: 200_000},
		"an echo of more than a minute ago":  {EchoSentAt: 1},
	} {
		l := wire.NewLink(0)
		now := time.Second
		if name == "an echo of more than a minute ago" {
			now = 2 * time.Minute
		}
		if rtt, ok := l.Received(c, now); ok {
			t.Errorf("%s measured %v", name, rtt)
		}
		if _, ok := l.RTT(); ok {
			t.Errorf("%s is a round trip", name)
		}
	}
}

func TestRoundTripsAreSmoothed(t *testing.T) {
	l := wire.NewLink(0)
	measure := func(rtt time.Duration) {
		l.Received(&api.AudioChunk{EchoSentAt: uint64((10*time.Second-rtt)/time.Microsecond) + 1}, 10*time.Second)
	}
	measure(80 * ms)
	measure(160 * ms)
	if rtt, _ := l.RTT(); rtt != 90*ms {
		t.Errorf("smoothed to %v", rtt)
	}
}

func TestAChunkIsDueBeforeTheContractsLimits(t *testing.T) {
	l := wire.NewLink(0)
	if d := l.Due(0); d == 0 || d > wire.AckInterval {
		t.Errorf("a frame may come at once and the sender sleeps for %v", d)
	}
	if d := l.Due(time.Second); d != 0 {
		t.Errorf("overdue, and due in %v", d)
	}
	var c api.AudioChunk
	l.Stamp(&c, time.Second)
	if d := l.Due(time.Second); d <= 150*ms || d > wire.LivenessInterval {
		t.Errorf("after a chunk the next is due in %v", d)
	}
	l.Received(&api.AudioChunk{Sequence: 1}, time.Second+10*ms)
	l.Received(&api.AudioChunk{Sequence: 2}, time.Second+40*ms)
	if d := l.Due(time.Second + 40*ms); d > 30*ms {
		t.Errorf("the first frame came 30 ms ago and its acknowledgement is due in %v", d)
	}
	l.Stamp(&c, time.Second+50*ms)
	if c.Ack != 2 {
		t.Errorf("acknowledged %d", c.Ack)
	}
	if d := l.Due(time.Second + 50*ms); d == 0 || d > wire.AckInterval {
		t.Errorf("the peer is talking and the sender sleeps for %v", d)
	}
	l.Stamp(&c, 2*time.Second)
	if d := l.Due(2 * time.Second); d <= 150*ms {
		t.Errorf("the peer is quiet and the next chunk is due in %v", d)
	}
	l.Received(&api.AudioChunk{Sequence: 2}, 2*time.Second+10*ms)
	l.Received(&api.AudioChunk{Ack: 9}, 2*time.Second+10*ms)
	if d := l.Due(2*time.Second + 10*ms); d <= 120*ms {
		t.Errorf("nothing new came and a chunk is due in %v", d)
	}
}

func TestASenderThatIsWokenNeedNotAsk(t *testing.T) {
	l := wire.NewLink(0)
	var c api.AudioChunk
	l.Received(&api.AudioChunk{Sequence: 1}, 10*ms)
	l.Stamp(&c, 10*ms)
	if d := l.DueIfWoken(10 * ms); d <= 150*ms || d > wire.LivenessInterval {
		t.Errorf("all is acknowledged and the next chunk is due in %v", d)
	}
	l.Received(&api.AudioChunk{Sequence: 2}, 30*ms)
	if d := l.DueIfWoken(50 * ms); d == 0 || d > wire.AckInterval-20*ms {
		t.Errorf("a frame came 20 ms ago and its acknowledgement is due in %v", d)
	}
	for seq := range uint64(8) {
		l.Received(&api.AudioChunk{Sequence: seq + 3}, 50*ms)
	}
	if d := l.DueIfWoken(50 * ms); d != 0 {
		t.Errorf("a burst is acknowledged in %v", d)
	}
}

func TestABurstIsAcknowledgedAtOnce(t *testing.T) {
	l := wire.NewLink(0)
	for seq := range uint64(7) {
		l.Received(&api.AudioChunk{Sequence: seq + 1}, 10*ms)
	}
	if d := l.Due(10 * ms); d == 0 {
		t.Error("seven frames are a burst")
	}
	l.Received(&api.AudioChunk{Sequence: 300}, 10*ms)
	if d := l.Due(10 * ms); d != 0 {
		t.Errorf("eight frames came at once and are acknowledged in %v", d)
	}
	var c api.AudioChunk
	l.Stamp(&c, 10*ms)
	if d := l.Due(10 * ms); d == 0 || c.Ack != 300 {
		t.Errorf("acknowledged %d, the next chunk is due in %v", c.Ack, d)
	}
}

// TestBothLimitsHoldWithALateSender runs a sender that sleeps for what Due says,
// wakes up to 10 ms late, and is not told of frames that arrive meanwhile.
func TestBothLimitsHoldWithALateSender(t *testing.T) {
	l := wire.NewLink(0)
	var now, sent, unacked, next time.Duration
	var c api.AudioChunk
	seq := uint64(0)
	for step := range 5000 {
		wake := now + l.Due(now) + time.Duration(step*37%10)*ms
		period := 20 * ms
		if step%400 > 200 {
			period = 200 * ms // announced silence
		}
		for ; next <= wake; next += period {
			seq++
			l.Received(&api.AudioChunk{Sequence: seq}, next)
			if unacked == 0 {
				unacked = next
			}
		}
		now = wake
		if l.Due(now) > 0 {
			continue
		}
		l.Stamp(&c, now)
		if gap := now - sent; gap > wire.LivenessInterval {
			t.Fatalf("%v without a chunk", gap)
		}
		if unacked != 0 && now-unacked > wire.AckInterval {
			t.Fatalf("%v without an acknowledgement", now-unacked)
		}
		sent, unacked = now, 0
	}
}

func TestTheLinkRemembersThePeer(t *testing.T) {
	l := wire.NewLink(time.Second)
	l.Received(&api.AudioChunk{Ack: 5}, 2*time.Second)
	l.Received(&api.AudioChunk{Ack: 3}, 3*time.Second)
	if got := l.PeerAck(); got != 5 {
		t.Errorf("the peer acknowledged %d", got)
	}
	if q := l.Quiet(3500 * ms); q != 500*ms {
		t.Errorf("quiet for %v", q)
	}
}
