package phone

import (
	"time"

	"callcenter/audio/clean"
	"callcenter/softphone/internal/callstate"
)

// Dial asks Run for a call; "" is the default destination. During a call it
// says so and does nothing; one that is ending is waited for.
func (p *Phone) Dial(destination string) {
	p.mu.Lock()
	busy := p.state != callstate.Idle && p.state != callstate.Ending
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

// Woke tells that this computer slept for so long: the call connects anew at
// once, and what waits to be sent or played is thrown away. Without a call it
// does nothing.
func (p *Phone) Woke(slept time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil && p.state != callstate.Idle {
		p.current.Woke(slept)
	}
}

// ToggleMute mutes or unmutes the microphone of this call. What push-to-talk had
// opened stays open. It also works while dialing; without a call it does nothing.
func (p *Phone) ToggleMute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == callstate.Idle {
		return
	}
	if p.latch.open {
		p.latch = latch{}
		p.Say(callstate.Notice{Text: "Your microphone stays open: press m to mute."})
		p.signal()
		return
	}
	p.mute(!p.muted)
}

// ToggleHighPass switches the microphone's high-pass, for this call and those
// that follow, as ToggleDenoise and ToggleLevelControl do.
func (p *Phone) ToggleHighPass() {
	p.switchCleanUp(func(o *clean.Options) { o.HighPass = !o.HighPass })
}

// ToggleDenoise switches noise suppression; where that is not built in it says
// so.
func (p *Phone) ToggleDenoise() {
	if !clean.HasDenoise {
		p.Say(callstate.Notice{Severity: callstate.Warning, Text: "This build has no noise suppression: build it with SpeexDSP, see the README."})
		return
	}
	p.switchCleanUp(func(o *clean.Options) { o.Denoise = !o.Denoise })
}

// ToggleLevelControl switches the control of the speech's level.
func (p *Phone) ToggleLevelControl() {
	p.switchCleanUp(func(o *clean.Options) { o.Level = !o.Level })
}

func (p *Phone) switchCleanUp(change func(*clean.Options)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.cleanUp)
	if p.current != nil {
		p.current.SetCleanUp(p.cleanUp)
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
		Server:         p.cfg.Servers[0],
		Destination:    p.cfg.Destination,
		MicrophoneOpen: p.microphone,
		EarpieceOpen:   p.earpiece,
	}
	if p.dest != "" {
		s.Destination = p.dest
	}
	s.Protection.On, s.Protection.Ceiling = !p.cfg.Unprotected, p.cfg.EarCeiling
	if p.current != nil {
		p.current.Snapshot(&s)
		if s.Link.Server != "" {
			s.Server = s.Link.Server
		}
	} else {
		s.Microphone, s.Earpiece = silentMeter(), silentMeter()
	}
	s.Link.Servers = len(p.cfg.Servers)
	if p.mic != nil {
		s.MicrophoneEnd, s.EarpieceEnd = p.mic.Health(), p.ear.Health()
	}
	p.findings.Tell(&s)
	o := p.cleanUp
	s.CleanUp.HighPass, s.CleanUp.Denoise, s.CleanUp.Level = o.HighPass, o.Denoise, o.Level
	s.CleanUp.CanDenoise = clean.HasDenoise
	s.State, s.Muted = p.state, p.muted
	s.Talk = callstate.Talk{Open: p.latch.open, Left: p.latch.left(p.clock()), Limit: p.talkLimit()}
	s.Gains, s.Sounds = p.gains, p.sounds
	if s.State == callstate.Live && s.Link.State == callstate.LinkLost {
		s.State = callstate.Reconnecting
	}
	s.Held = s.Held && s.State.Connected()
	return s
}
