package playout

import (
	"time"

	"callcenter/audio/jitter"
)

// Tape takes down all that a playout is told and asked. A playout of the same
// codec that is told and asked the same, in the same order, does the same, to the
// sample and to the last counter; SetHeard alone is not taken down.
//
// The methods are called under the playout's lock, so they are in order: they must
// return at once, must not call the playout, and keep neither a packet's data nor
// stats nor a state.
type Tape interface {
	// Pushed is a packet before it is pushed, with the time of that.
	Pushed(pkt jitter.Packet, now time.Duration)
	// OneWay is SetOneWay, Ahead is SetAhead, and Flushed is Flush.
	OneWay(d time.Duration)
	Ahead(d time.Duration)
	Flushed()
	// Pulled is what came of a pull of so many samples for now, and the counters
	// after it. Where it returns true Frozen follows, with what the playout knows
	// then: Thaw makes that playout of it. There is no Frozen where nobody hears.
	Pulled(pulled Pulled, samples int, now time.Duration, stats *Stats) bool
	Frozen(state []byte)
}
