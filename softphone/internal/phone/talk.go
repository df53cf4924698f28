package phone

import (
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

// talkWarning is how long before push-to-talk closes the operator hears so.
const talkWarning = 3 * time.Second

// latch is push-to-talk: a muted microphone that is open for a while. Who speaks
// at the limit may finish, for as long again at most. Its zero value is closed.
type latch struct {
	open   bool
	limit  time.Duration
	since  time.Duration
	warned int // times
}

// what a look at a latch finds.
type latchNews int

const (
	latchRests latchNews = iota
	latchWarns           // it closes in talkWarning
	latchCloses
)

// look says what is due at now, while the operator speaks or not.
func (l *latch) look(now time.Duration, speaking bool) latchNews {
	at := now - l.since
	switch {
	case !l.open:
		return latchRests
	case at >= 2*l.limit, at >= l.limit && !speaking:
		*l = latch{}
		return latchCloses
	case l.warned == 0 && at >= l.limit-talkWarning, l.warned == 1 && at >= 2*l.limit-talkWarning:
		l.warned++
		return latchWarns
	}
	return latchRests
}

// left is how long it stays open, 0 while it waits for a pause.
func (l *latch) left(now time.Duration) time.Duration {
	if !l.open {
		return 0
	}
	return max(0, l.since+l.limit-now)
}

// Talk opens the microphone of a muted call for a while, or mutes it again. Where
// it is open anyway, that is said and it stays so. It also works while dialing;
// without a call, or while one is held, it does nothing.
func (p *Phone) Talk() {
	if s := p.Snapshot(); s.State == callstate.Idle || s.State == callstate.Ending || s.Held {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == callstate.Idle: // since just now
		return
	case p.latch.open:
		p.latch = latch{}
		p.mute(true)
	case !p.muted:
		p.Say(callstate.Notice{Text: fmt.Sprintf("Your microphone is open: press m to mute; then space talks for %s.", callstate.Spell(p.talkLimit()))})
	default:
		p.latch = latch{open: true, limit: p.talkLimit(), since: p.clock()}
		p.mute(false)
	}
}

func (p *Phone) talkLimit() time.Duration {
	if p.cfg.TalkLimit > 0 {
		return p.cfg.TalkLimit
	}
	return callstate.TalkFor
}

// mute mutes the microphone of this call, or opens it. The caller holds p.mu.
func (p *Phone) mute(on bool) {
	p.muted = on
	if p.current != nil {
		p.current.SetMuted(on)
	}
	p.signal()
}

// tendLatch warns of the end of push-to-talk, and ends it.
func (p *Phone) tendLatch(speaking bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.latch.limit
	switch p.latch.look(p.clock(), speaking) {
	case latchWarns:
		if p.current != nil {
			p.current.TalkEnds()
		}
	case latchCloses:
		p.mute(true)
		p.Say(callstate.Notice{Text: fmt.Sprintf("Your microphone is muted again after %s.", callstate.Spell(limit))})
	case latchRests:
	}
}
