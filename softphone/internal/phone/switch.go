package phone

// ChooseMicrophone puts the device with that id in the place of this call's
// microphone, of whatever kind that is. What comes of it is said in a sentence,
// and the Snapshot says what is open. Without a call it does nothing.
func (p *Phone) ChooseMicrophone(id string) { p.choose(id, func() Stream { return p.mic }) }

// ChooseEarpiece is to the earpiece what ChooseMicrophone is to the microphone.
func (p *Phone) ChooseEarpiece(id string) { p.choose(id, func() Stream { return p.ear }) }

func (p *Phone) choose(id string, end func() Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := end(); s != nil {
		s.Switch(id)
	}
}
