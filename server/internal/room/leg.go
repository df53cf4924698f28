package room

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/mix"
	"callcenter/audio/playout"
)

// restOfTheWay is what mouth to ear takes besides the way up and its buffer: 75
// ms for both phones, and the tick, the encoder and the listener's buffer.
const restOfTheWay = 110 * time.Millisecond

// conferenceLeg is a member of a conference: the room's ear for what it says,
// and the maker of what it hears.
type conferenceLeg struct {
	member Member
	id     string
	dir    *Directory
	room   *conference // under dir.mu; nil: in none any more
	down   Downlink
	play   *playout.Playout

	received, malformed atomic.Uint64
	resumed             atomic.Bool

	dead   atomic.Bool // its coding does not return, and may hold the playout
	known  Stats       // the newest, under lastly
	lastly sync.Mutex

	// Of the room's goroutine.
	speaker *speaker
	limiter mix.Limiter
	pcm     [audio.PeriodSamples]int16 // what it says in this tick
	audible bool
	talks   bool // and they are no pause
	failed  bool
}

func newConferenceLeg(d *Directory, m Member, down Downlink) (*conferenceLeg, error) {
	cfg := d.cfg
	s, err := newSpeaker(cfg, m, down)
	if err != nil {
		return nil, err
	}
	c, err := cfg.Codecs.Lookup(m.Format.Codec)
	if err != nil {
		return nil, err
	}
	dec, err := c.NewDecoder(m.Format)
	if err != nil {
		return nil, err
	}
	return &conferenceLeg{
		member: m,
		dir:    d,
		down:   down,
		play: playout.New(playout.Config{
			Decoder:  dec,
			Jitter:   jitter.Config{Rest: restOfTheWay},
			Complete: m.Complete,
		}),
		speaker: s,
	}, nil
}

// Push implements Leg.
func (l *conferenceLeg) Push(_ context.Context, u Uplink) {
	switch {
	case l.dead.Load():
	case !u.Playable && len(u.Frame.Data) > 0:
		l.malformed.Add(1)
	case u.Playable:
		if len(u.Frame.Data) > 0 {
			l.received.Add(1)
		}
		l.play.Push(u.Packet, u.Frame.Made) // what is not kept, it counts
	}
}

// Resumed implements Leg.
func (l *conferenceLeg) Resumed() { l.resumed.Store(true) }

// SetOneWay implements Leg.
func (l *conferenceLeg) SetOneWay(d time.Duration) {
	if !l.dead.Load() {
		l.play.SetOneWay(d)
	}
}

// Stats implements Leg. Of a member whose coding does not return they are the
// last that are known.
func (l *conferenceLeg) Stats() Stats {
	if l.dead.Load() {
		l.lastly.Lock()
		defer l.lastly.Unlock()
		return l.known
	}
	s := l.play.Stats()
	l.lastly.Lock()
	defer l.lastly.Unlock()
	l.known = Stats{
		Received:         l.received.Load(),
		Lost:             s.PacketsLost,
		Discarded:        s.PacketsDiscarded,
		Malformed:        l.malformed.Load(),
		TotalSamples:     s.TotalSamplesReceived,
		ConcealedSamples: s.ConcealedSamples,
		Jitter:           s.Jitter,
		Buffer:           s.Delay,
		Target:           s.Target,
		Playout:          s,
	}
	return l.known
}

// Leave implements Leg.
func (l *conferenceLeg) Leave() { l.dir.leaveConference(l) }

// tell passes an event on to a member that knows events.
func (l *conferenceLeg) tell(e Event) {
	if l.member.Extended {
		l.down.Event(e)
	}
}

// listen takes the member's next 10 ms and reports whether there is anything to
// hear in them. The first 10 ms of a pause are: speech fades out in them.
func (l *conferenceLeg) listen(at time.Duration) bool {
	before := l.talks
	l.audible, l.talks = false, false
	if l.failed {
		return false
	}
	defer l.rescue()
	switch l.play.Pull(l.pcm[:], at).Kind {
	case playout.Filling, playout.Comfort:
	default:
		l.talks = true
	}
	l.audible = l.talks || before
	return l.audible
}

// speak gives the member the sum less its own voice; voices is how many are in
// the sum.
func (l *conferenceLeg) speak(sum *mix.Sum, voices int, anew bool) {
	if l.failed {
		return
	}
	defer l.rescue()
	if l.resumed.Load() && l.resumed.Swap(false) || anew {
		l.speaker.anew()
	}
	var own []int16
	if l.audible {
		own = l.pcm[:]
		voices--
	}
	sum.Minus(l.speaker.next(), own, &l.limiter)
	l.speaker.done(voices > 0)
}

// rescue keeps what breaks one member's coding from the others.
func (l *conferenceLeg) rescue() {
	if r := recover(); r != nil {
		l.failed, l.audible = true, false
		l.down.Fail(panicked(r))
	}
}
