package phone

import "callcenter/softphone/internal/callstate"

// Train sets what is added to the way back of this echo call, until it ends. In
// another call, and without one, it says so and does nothing.
func (p *Phone) Train(t callstate.Training) {
	p.mu.Lock()
	trained := p.state != callstate.Idle && p.current != nil && p.current.Train(t)
	if trained {
		p.signal()
	}
	p.mu.Unlock()
	if !trained {
		p.Say(callstate.Notice{Severity: callstate.Warning, Text: "Training adds delay, jitter and loss to an echo call only: dial echo."})
	}
}
