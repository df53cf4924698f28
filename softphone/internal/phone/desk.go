package phone

import "callcenter/softphone/internal/callstate"

// Dial asks Run for a call; "" is the default destination. During a call it
// says so and does nothing.
func (p *Phone) Dial(destination string) {
	p.mu.Lock()
	busy := p.state != callstate.Idle
	p.mu.Unlock()
	if !busy {
		select {
		case p.dial <- destination:
			return
		default:
		}
	}
	p.Say(callstate.Notice{Severity: callstate.Warning, Text: "There is a call already: hang up first."})
}

// HangUp ends the call at once; without one it does nothing.
func (p *Phone) HangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
	}
}

// ToggleMute mutes or unmutes the microphone of this call. It also works while
// dialing; without a call it does nothing.
func (p *Phone) ToggleMute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == callstate.Idle {
		return
	}
	p.muted = !p.muted
	if p.current != nil {
		p.current.SetMuted(p.muted)
	}
	p.signal()
}

// Notices gives the sentences for the operator; it is closed when Run returns.
func (p *Phone) Notices() <-chan callstate.Notice { return p.notices }

// Changed is signalled when the state of the line changed.
func (p *Phone) Changed() <-chan struct{} { return p.changed }

// Snapshot returns what the screen shows.
func (p *Phone) Snapshot() callstate.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := callstate.Snapshot{
		Server:         p.cfg.Server,
		Destination:    p.cfg.Destination,
		MicrophoneOpen: p.microphone,
		EarpieceOpen:   p.earpiece,
	}
	if p.dest != "" {
		s.Destination = p.dest
	}
	if p.current != nil {
		p.current.Snapshot(&s)
	} else {
		s.Microphone, s.Earpiece = silentMeter(), silentMeter()
	}
	s.State, s.Muted = p.state, p.muted
	return s
}
