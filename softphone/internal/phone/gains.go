package phone

import (
	"math"

	"callcenter/softphone/internal/callstate"
)

// ChangeMicrophoneGain turns the microphone up by so many dB, or down, for this
// call and those that follow, as far as callstate.MinMicrophoneGain and
// callstate.MaxMicrophoneGain.
func (p *Phone) ChangeMicrophoneGain(dB float64) {
	p.changeGains(callstate.Gains{Microphone: dB})
}

// ChangeEarpieceGain turns up the voice in the ear as ChangeMicrophoneGain does
// the microphone. The softphone's own sounds stay as loud as they are.
func (p *Phone) ChangeEarpieceGain(dB float64) { p.changeGains(callstate.Gains{Earpiece: dB}) }

func (p *Phone) changeGains(by callstate.Gains) {
	if math.IsNaN(by.Microphone + by.Earpiece) {
		return
	}
	p.mu.Lock()
	was := p.gains
	p.gains = within(callstate.Gains{
		Microphone: was.Microphone + by.Microphone,
		Earpiece:   was.Earpiece + by.Earpiece,
	})
	g := p.gains
	if p.current != nil {
		p.current.SetGains(g)
	}
	p.signal()
	p.mu.Unlock()
	if g != was && p.cfg.OnGains != nil {
		p.cfg.OnGains(g)
	}
}

// within brings gains into their range. They are kept to a hundredth, so that
// steps up and down meet again.
func within(g callstate.Gains) callstate.Gains {
	clamp := func(dB, least, most float64) float64 {
		if math.IsNaN(dB) {
			return 0
		}
		return math.Round(min(max(dB, least), most)*100) / 100
	}
	return callstate.Gains{
		Microphone: clamp(g.Microphone, callstate.MinMicrophoneGain, callstate.MaxMicrophoneGain),
		Earpiece:   clamp(g.Earpiece, callstate.MinEarpieceGain, callstate.MaxEarpieceGain),
	}
}

// ToggleSounds switches the softphone's own sounds, for this call and those that
// follow.
func (p *Phone) ToggleSounds() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sounds = !p.sounds
	if p.current != nil {
		p.current.SetSounds(p.sounds)
	}
	p.signal()
}
