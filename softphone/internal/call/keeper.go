package call

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/softphone/internal/callstate"
)

// event is what a carrier tells the keeper.
type event struct {
	kind    eventKind
	carrier *carrier
	ack     uint64 // answered: the newest of our sequences that the server has
	err     error  // ended
}

type eventKind int

const (
	carrierConnected eventKind = iota
	carrierAnswered
	carrierDraining
	carrierEnded
)

// keeper keeps a call connected: it does what the schedule decides, on one
// goroutine that never waits for a network, and waits for its carriers in the
// end.
type keeper struct {
	call     *Call
	plan     schedule
	carriers map[int]*carrier // that have not ended
	running  sync.WaitGroup
	ctx      context.Context //nolint:containedctx // of the carriers, for the time of run
	result   error
	over     bool

	events chan event
	again  chan struct{} // heard after a silence
	slept  chan time.Duration

	silent atomic.Bool // the active carrier has been quiet for long
	view   atomic.Pointer[linkView]
}

// linkView is what others may know of the link.
type linkView struct {
	link          callstate.Link
	since, lostAt time.Duration
}

func newKeeper(c *Call) *keeper {
	q := &keeper{
		call:     c,
		plan:     schedule{servers: c.cfg.Servers, scatter: scatter},
		carriers: make(map[int]*carrier),
		events:   make(chan event, 16),
		again:    make(chan struct{}, 1),
		slept:    make(chan time.Duration, 1),
	}
	q.view.Store(&linkView{})
	return q
}

// scatter is a number from -1 to 1.
func scatter() float64 { return 2*rand.Float64() - 1 } //nolint:gosec // no secret

// run keeps the call connected until it is over. Its error is why, nil after
// Finish or HangUp.
func (q *keeper) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	q.ctx = ctx
	defer q.running.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	ending := q.call.ending
	q.plan.start(q.now())
	for {
		q.obey()
		if q.over {
			return q.result
		}
		timer.Reset(q.plan.until(q.now(), q.quiet()))
		select {
		case <-ctx.Done():
			return nil
		case <-ending:
			return q.finish()
		case e := <-q.events:
			q.note(e)
		case d := <-q.slept:
			q.call.forget() // what was read and said since
			q.plan.slept(d, q.now())
		case <-q.again:
			q.tick()
		case <-timer.C:
			q.tick()
		}
	}
}

func (q *keeper) now() time.Duration { return q.call.cfg.Clock() }

// quiet is how long nothing came from the active carrier.
func (q *keeper) quiet() time.Duration {
	k := q.carriers[q.plan.active]
	if k == nil {
		return 0
	}
	return k.link.Quiet(q.now())
}

func (q *keeper) tick() {
	if k := q.carriers[q.plan.active]; k != nil {
		q.plan.trip, _ = k.link.RTT()
	}
	q.plan.tick(q.now(), q.quiet())
	q.clear(drainLimit)
}

// clear drops the carriers that have been retired for so long.
func (q *keeper) clear(limit time.Duration) {
	for id, k := range q.carriers {
		if k.isRetired() && q.now()-k.retiredAt >= limit {
			q.drop(id)
		}
	}
}

// note passes an event to the schedule.
func (q *keeper) note(e event) {
	id, now := e.carrier.number, q.now()
	switch e.kind {
	case carrierConnected:
		q.plan.connected(id, now)
	case carrierAnswered:
		e.carrier.ack = e.ack
		q.plan.answered(id, now, 0)
	case carrierDraining:
		q.plan.draining(id, now, q.quiet())
	case carrierEnded:
		quiet := q.quiet()
		q.call.release(e.carrier)
		delete(q.carriers, id)
		if status.Code(e.err) == codes.FailedPrecondition && e.carrier.server != q.plan.server {
			q.call.tokens.forget(e.carrier.server) // next time it may open the call anew
		}
		q.plan.ended(id, e.err, now, quiet)
	}
}

// obey does what the schedule wants.
func (q *keeper) obey() {
	for _, a := range q.plan.take() {
		switch a.verb {
		case openCarrier:
			q.open(a.carrier, a.server)
		case joinCarrier:
			close(q.carriers[a.carrier].joined)
		case dropCarrier:
			q.drop(a.carrier)
		case adoptCarrier:
			q.adopt(a.carrier)
		case retireCarrier:
			if k := q.carriers[a.carrier]; k != nil {
				k.retire(q.now())
			}
		case sayNotice:
			q.call.notice(a.notice)
		case endCall:
			q.over, q.result = true, a.err
		}
	}
	q.publish()
}

// open begins another carrier. Those that are retired have had their time.
func (q *keeper) open(number int, server string) {
	q.clear(0)
	k := newCarrier(q.call, number, server, q.tell)
	ctx, cancel := context.WithCancel(q.ctx)
	k.cancel = cancel
	q.carriers[number] = k
	q.running.Go(func() { defer cancel(); k.run(ctx) })
}

// tell passes an event to the keeper, as long as it listens.
func (q *keeper) tell(e event) {
	select {
	case q.events <- e:
	case <-q.ctx.Done():
	}
}

func (q *keeper) drop(id int) {
	if k := q.carriers[id]; k != nil {
		q.call.release(k)
		k.cancel()
		delete(q.carriers, id)
	}
}

// adopt makes the call go over a carrier.
func (q *keeper) adopt(id int) {
	k := q.carriers[id]
	q.call.adopt(k)
	q.call.secure(k)
	close(k.adopted)
	q.call.answer()
}

// finish ends the call in order, within a limit, or at once where there is no
// connection to do so.
func (q *keeper) finish() error {
	last := q.carriers[q.plan.active]
	if last == nil && q.plan.phase == phaseDialing && q.plan.joined {
		last = q.carriers[q.plan.trial]
	}
	if last == nil {
		return nil
	}
	limit := flushLimit + drainLimit
	if q.call.hungUp.Load() {
		limit = hangUpLimit
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-q.ctx.Done():
			return nil
		case <-timer.C:
			return nil
		case e := <-q.events:
			switch {
			case e.carrier != last:
			case e.kind == carrierAnswered:
				e.carrier.ack = e.ack
				q.adopt(last.number)
			case e.kind == carrierEnded:
				return nil
			}
		}
	}
}

// heard is called for each chunk that arrives: a silence may be over.
func (q *keeper) heard() {
	if !q.silent.Load() {
		return
	}
	select {
	case q.again <- struct{}{}:
	default:
	}
}

// publish tells others how the link does.
func (q *keeper) publish() {
	p := &q.plan
	v := linkView{
		link: callstate.Link{
			Server: p.server, Resumes: p.resumes, Gap: p.gap, Draining: p.drains,
		},
		since: p.since, lostAt: p.lostAt,
	}
	v.link.State = p.phase.link()
	q.silent.Store(p.phase == phaseProblem)
	if was := q.view.Load(); *was == v {
		return
	} else if q.view.Store(&v); was.link.State != v.link.State {
		if p.phase != phaseOver {
			q.call.soundLink(was.link.State, v.link.State)
		}
		if q.call.cfg.OnLink != nil {
			q.call.cfg.OnLink(v.link.State)
		}
	}
}

// state is the link as the screen shows it.
func (q *keeper) state(now time.Duration) callstate.Link {
	v := q.view.Load()
	l := v.link
	if l.State != callstate.LinkUp {
		l.Quiet = now - v.since
	}
	if l.State == callstate.LinkLost {
		l.GiveUpIn = max(0, v.lostAt+KeepTrying-now)
	}
	return l
}
