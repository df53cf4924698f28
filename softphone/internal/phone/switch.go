package phone

import "callcenter/softphone/internal/callstate"

// wishes are the devices that are wanted in place of those that a call is just
// opening.
type wishes struct{ microphone, earpiece string }

// ChooseMicrophone puts the device with that id in the place of this call's
// microphone, of whatever kind that is. What comes of it is said in a sentence,
// and the Snapshot says what is open. Without a call it does nothing.
func (p *Phone) ChooseMicrophone(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.choose(id, p.mic, &p.wishes.microphone)
}

// ChooseEarpiece is to the earpiece what ChooseMicrophone is to the microphone.
func (p *Phone) ChooseEarpiece(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.choose(id, p.ear, &p.wishes.earpiece)
}

// choose switches an end, or has that done once it is open. The caller holds
// p.mu, as for the next.
func (p *Phone) choose(id string, end Stream, later *string) {
	switch {
	case end != nil:
		end.Switch(id)
	case p.state == callstate.Dialing:
		*later = id
	}
}

// grant does what was wished for while the ends were opening.
func (p *Phone) grant() {
	if p.wishes.microphone != "" {
		p.mic.Switch(p.wishes.microphone)
	}
	if p.wishes.earpiece != "" {
		p.ear.Switch(p.wishes.earpiece)
	}
	p.wishes = wishes{}
}
