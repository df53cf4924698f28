package room

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/mix"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
)

// restOfTheWay is what mouth to ear takes besides the way up and its buffer: 75
// ms for both phones, and the tick, the encoder and the listener's buffer.
const restOfTheWay = 110 * time.Millisecond

const (
	// loudVoice is the level above which a steady tone counts as voice even if its
	// sender does not say so, -40 dBov, and loudMeasured the one for a sender who
	// says nothing, -60 dBov: decoding them costs the same, heard or not. In dB
	// above -127 dBov.
	loudVoice    = 87
	loudMeasured = 67
	// lingerSteps is how long one who left the floor still hears their own coder: the
	// encoder of the others must have forgotten that voice.
	lingerSteps = 3
	// fadeIn is how long one who takes the floor fades in, in samples.
	fadeIn = audio.PeriodSamples / 2
)

// conferenceLeg is a member of a conference: the room's ear for what it says,
// and the maker of what it hears.
type conferenceLeg struct {
	member Member
	id     string
	dir    *Directory
	room   *conference // under dir.mu; nil: in none any more
	down   Downlink
	play   *playout.Playout

	unheard, deaf atomic.Bool // it may not speak, or listen

	received, hushed atomic.Uint64
	media            media
	gaps             gaps                          // of the receive loop
	listener         atomic.Pointer[conferenceLeg] // it hears this one's frames as they are

	dead   atomic.Bool // its coding does not return, and may hold the playout
	known  Stats       // the newest, under lastly
	lastly sync.Mutex

	// What it says of its own voice, until the next step takes it.
	marked atomic.Bool  // it does say how loud it is
	loud   atomic.Int32 // its loudest frame, in dB above -127 dBov
	until  atomic.Int64 // when what it said last is played, on the clock

	speaking bool // it has the floor, under room.mu
	mute     state
	hold     state
	digits   chan byte // pressed and not yet told

	// Of the room's goroutine.
	claim    claim
	measured bool                       // it is decoded to learn how loud it is
	entering bool                       // it has the floor since this step
	leaving  bool                       // it had the floor in the step before
	linger   int                        // steps for which it still hears its own coder
	begun    bool                       // its frames have begun with a step
	speaker  *speaker                   // with the coder of what it hears while it has the floor
	shared   *coder                     // of all who only listen and hear alike
	full     bool                       // there is a frame for it
	shut     bool                       // it is deaf in this step, under room.mu
	hears    *coder                     // the one of these that it hears, nil: none yet
	before   *conferenceLeg             // whom it heard directly before it began to
	pcm      [audio.PeriodSamples]int16 // what it says in this tick
	audible  bool                       // in the sum
	talks    bool                       // and they are no pause
	madeUp   bool                       // but concealment
	delay    time.Duration              // in its playout
	paused   bool                       // those before them were one
	failed   bool
	control  *mix.Control // of how loud they are heard; nil: there is none
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
	l := &conferenceLeg{
		member: m,
		dir:    d,
		down:   down,
		play: playout.New(playout.Config{
			Decoder:  dec,
			Jitter:   jitter.Config{Rest: restOfTheWay},
			Complete: m.Complete,
		}),
		media:   media{codec: m.Format.Codec},
		speaker: s,
		digits:  make(chan byte, maxDigits),
		control: newControl(cfg),
	}
	l.unheard.Store(m.Unheard)
	l.deaf.Store(m.Deaf)
	return l, nil
}

// Push implements Leg.
func (l *conferenceLeg) Push(_ context.Context, u Uplink) (put Downlink) {
	switch {
	case l.dead.Load():
	case u.isMalformed():
		l.gaps.skip(&u)
		l.judge(l.media.bad())
	case u.Playable:
		l.mute.set(u.Frame.Marks&markMuted != 0)
		if len(u.Frame.Data) > 0 {
			l.received.Add(1)
			l.media.good()
		}
		if l.hold.says.Load() {
			u.hush() // marks alone could take the floor, too
		}
		if l.unheard.Load() {
			l.silence(&u)
		}
		missing := l.gaps.before(&u)
		if to := l.listener.Load(); to != nil && !to.deaf.Load() {
			f := u.Frame
			f.DroppedBefore = missing
			if f.Media == 0 { // its sender gives none
				f.Media = uint64(u.Packet.Media) + 1
			}
			put = to.speaker.forward(l, f)
		}
		// What is not kept, it counts.
		if l.play.Push(u.Packet, u.Frame.Made) && (len(u.Frame.Data) > 0 || u.Frame.Marks&markLevelValid != 0) {
			l.note(u.Frame)
		}
	}
	return put
}

// judge ends the member's call, and no other, if what it sends is no audio.
func (l *conferenceLeg) judge(err error) {
	if err != nil {
		l.down.Fail(err)
	}
}

// note takes how loud the member says a frame is, or that it is silence. That is
// known before the frame is played, and holds until then.
func (l *conferenceLeg) note(f sendq.Frame) {
	marked := f.Marks&markLevelValid != 0
	l.marked.Store(marked)
	if !marked || f.Marks&markMuted != 0 {
		return
	}
	loud := int32(levelSilent - f.Marks&levelMask)
	for {
		before := l.loud.Load()
		if loud <= before || l.loud.CompareAndSwap(before, loud) {
			break
		}
	}
	if f.Marks&markVoice != 0 || loud >= loudVoice {
		l.until.Store(int64(f.Made + l.play.Buffered() + floorStep))
	}
}

// Resumed implements Leg.
func (l *conferenceLeg) Resumed() { l.speaker.resumed.Store(true) }

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
	if l.listener.Load() != nil { // its frames go on without the buffer
		s.Delay, s.Target = 0, 0
	}
	l.lastly.Lock()
	defer l.lastly.Unlock()
	l.known = Stats{
		Received:         l.received.Load(),
		Lost:             s.PacketsLost,
		Discarded:        s.PacketsDiscarded,
		Malformed:        l.media.malformed.Load(),
		Hushed:           l.hushed.Load(),
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

// event is something that the member did, as the others are told.
func (l *conferenceLeg) event(kind EventKind) Event {
	return Event{Kind: kind, Participant: l.id, Name: l.member.Name}
}

// tell passes an event on to a member that knows events.
func (l *conferenceLeg) tell(e Event) {
	if l.member.Extended && !l.deaf.Load() {
		l.down.Event(e)
	}
}

// claimFloor tells the member's claim what happened since the step before.
func (l *conferenceLeg) claimFloor(at time.Duration) {
	switch {
	case l.failed:
		l.claim = claim{}
	case l.marked.Load():
		l.claim.hear(int(l.loud.Swap(0)), time.Duration(l.until.Load()) > at)
	case l.measured && l.talks && !l.madeUp:
		loud := levelSilent - int(level.DBov(l.pcm[:]))
		l.claim.hear(loud, loud >= loudMeasured)
	default:
		l.claim.hear(0, false)
	}
}

// listen takes the member's next 10 ms, decoded only if they are mixed for somebody
// or to learn how loud they are.
func (l *conferenceLeg) listen(at time.Duration, mixed bool) {
	l.paused, l.talks, l.audible = !l.talks, false, false
	if l.failed {
		return
	}
	defer l.rescue()
	l.play.SetHeard(mixed && (l.claim.has || l.leaving) || l.measured)
	pulled := l.play.Pull(l.pcm[:], at)
	l.judge(l.media.decoded(l.play.Undecodable()))
	kind := pulled.Kind
	l.delay = pulled.Delay
	l.talks = kind != playout.Filling && kind != playout.Comfort
	l.madeUp = kind == playout.Concealed
}

// join settles whether what was listened to goes into the sum. The first 10 ms
// of a pause do: speech fades out in them. Who takes the floor in the middle of a
// word fades in, who leaves it fades out.
func (l *conferenceLeg) join(first, mixed bool) {
	if l.failed {
		return
	}
	l.audible = mixed && (l.claim.has || l.leaving) && (l.talks || !l.paused)
	switch {
	case l.leaving && first:
		fade(l.pcm[:], -1)
	case l.leaving:
		l.audible = false
	case l.entering && first && (l.claim.waited || abrupt(l.pcm[:])):
		fade(l.pcm[:fadeIn], 1)
	}
}

// speak gives the member the sum less its own voice; voices is how many are in
// the sum, held how long they waited. Who has no voice in it gets what the
// others get who only listen.
func (l *conferenceLeg) speak(c *conference, voices int, held time.Duration, first, anew bool) {
	l.begun, l.full = l.begun || first && !c.behind, false
	if l.failed || !l.begun || l.speaker.source != nil {
		return
	}
	defer l.rescue()
	if anew {
		l.speaker.anew()
	}
	if first {
		l.tune(c.now)
	}
	var own []int16
	if l.audible {
		own = l.pcm[:]
		voices--
	}
	to := l.hears
	switch {
	case to.ran == c.now: // another who hears alike came first
	case l.shut:
		to.ran = c.now
		to.adjust(c.complexity)
		clear(to.next())
		to.done(false, 0)
	default:
		to.ran = c.now
		to.adjust(c.complexity)
		c.sum.Minus(to.next(), own, &to.limiter)
		to.done(voices > 0, held)
	}
	if to.full && (!l.speaker.dtx || !to.silent()) {
		to.encode()
	}
	l.full = to.full
}

// deliver sends the frame that the tick completed.
func (l *conferenceLeg) deliver() {
	if l.full {
		l.full = false
		l.speaker.deliver(l.hears)
	}
}

// restart lets the member begin in another conference: what it was about to hear
// in the one before is lost.
func (l *conferenceLeg) restart() {
	l.speaker.resumed.Store(true)
	l.speaker.turn(nil)
	l.listener.Store(nil)
	l.begun, l.hears, l.before = false, nil, nil
	l.speaker.coder.rest()
	l.speaker.coder.ran = 0
}

// tune chooses whose frames the member hears in this step: its own from the step
// in which its voice comes into the sum until it is out of it again, and for ever
// when the encoder of the others broke. A coder that
// did not run in the tick before now goes on where the other is.
func (l *conferenceLeg) tune(now uint64) {
	l.linger = max(l.linger-1, 0)
	if l.speaking || l.leaving {
		l.linger = lingerSteps
	}
	c := l.shared
	if l.linger > 0 || c.broken || l.shut {
		c = l.speaker.coder
	}
	if c == l.hears {
		return
	}
	if c.ran+1 < now {
		switch {
		case l.hears != nil:
			c.follow(l.hears, now)
		case l.before != nil && l.before.audible:
			c.begin(l.before.play.Past)
		case c.used:
			c.begin(nil)
		}
	}
	l.hears, l.before = c, nil
	c.newcomer = true
}

// rescue keeps what breaks one member's coding from the others.
func (l *conferenceLeg) rescue() {
	if r := recover(); r != nil {
		l.failed, l.audible = true, false
		l.down.Fail(panicked(r))
	}
}
