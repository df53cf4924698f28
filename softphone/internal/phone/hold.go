package phone

import (
	"unicode"

	"callcenter/api/wire"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// ToggleHold holds this call, which the far end is told, or goes on with it. It has
// no effect without a call that was answered.
func (p *Phone) ToggleHold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.answeredLocked(); c != nil {
		c.SetHeld(!c.Held())
		p.signal()
	}
}

// Digit sends a keypad digit, one of 0-9, *, # and A-D, in a call that was answered.
func (p *Phone) Digit(digit rune) {
	key, ok := wire.Digit(string(unicode.ToUpper(digit)))
	p.mu.Lock()
	c := p.answeredLocked()
	p.mu.Unlock()
	if ok && c != nil {
		c.Digit(key)
	}
}

// answeredLocked is the call that was answered and is not ending, also while its
// connection is lost; nil: there is none.
func (p *Phone) answeredLocked() *call.Call {
	if p.state != callstate.Live {
		return nil
	}
	return p.current
}
