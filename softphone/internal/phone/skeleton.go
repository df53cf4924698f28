package phone

import "callcenter/softphone/internal/callstate"

// Of the integration branch only: each is replaced by its owner.

func (p *Phone) ToggleHold()                  {}
func (p *Phone) Digit(rune)                   {}
func (p *Phone) Talk()                        {}
func (p *Phone) ChangeMicrophoneGain(float64) {}
func (p *Phone) ChangeEarpieceGain(float64)   {}
func (p *Phone) ToggleSounds()                {}
func (p *Phone) Train(callstate.Training)     {}
