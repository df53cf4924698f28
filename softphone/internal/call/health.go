package call

import (
	"sync"
	"time"

	"callcenter/audio/playout"
	"callcenter/softphone/internal/callstate"
)

// worstSpan is half of the time for which a worst value is remembered.
const worstSpan = time.Second

// worst is the greatest of what was added in the last one to two seconds. It is
// safe for concurrent use.
type worst struct {
	mu        sync.Mutex
	cur, prev time.Duration // of the running span and of the one before
	end       time.Duration
}

func (w *worst) add(d, now time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now)
	w.cur = max(w.cur, d)
}

func (w *worst) load(now time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(now)
	return max(w.cur, w.prev)
}

// turn begins a new span where one is over.
func (w *worst) turn(now time.Duration) {
	if now < w.end {
		return
	}
	w.prev = w.cur
	if now >= w.end+worstSpan {
		w.prev = 0
	}
	w.cur, w.end = 0, now+worstSpan
}

// arrival is what the playout had counted of arrivals before, of the ear.
type arrival struct {
	packets uint64
	later   time.Duration
}

// arrived enters how much later than the fastest the packets came that are new.
func (f *figures) arrived(s *playout.Stats) {
	was := f.arrival
	if f.arrival = (arrival{s.PacketsReceived, s.RelativePacketArrivalDelay}); s.PacketsReceived > was.packets {
		f.later.add(max(0, s.RelativePacketArrivalDelay-was.later) / time.Duration(s.PacketsReceived-was.packets))
	}
}

// health is how the hand-overs do at now.
func (c *Call) health(p *playout.Stats, now time.Duration) callstate.Health {
	capture, playback, sent := c.cfg.Capture.Stats(), c.cfg.Playback.Stats(), c.queue.Stats()
	h := callstate.Health{
		MicrophoneLate: c.figures.micLate.load(now), EarpieceLate: c.figures.earLate.load(now),
		LateCallbacks: capture.Gaps + playback.Gaps,
		Underruns:     playback.Underruns, UnderrunSamples: playback.UnderrunSamples,
		Played: p.TotalSamplesReceived, OwnDropped: c.figures.dropped.Load(),
		Unplayable: c.figures.malformed.Load() + p.DecodeErrors,
	}
	h.ServerTime, _ = c.figures.server.recent()
	if sent.Owed {
		h.Unheard = max(0, now-sent.OldestMade)
	}
	c.turn.mu.Lock()
	defer c.turn.mu.Unlock()
	if k := c.turn.active; k != nil {
		h.Acknowledges, h.Quiet = k.link.PeerAck() > 0, max(0, k.link.Quiet(now))
	}
	return h
}
