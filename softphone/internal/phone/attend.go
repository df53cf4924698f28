package phone

import (
	"context"
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/diagnose"
	"callcenter/softphone/internal/wake"
)

const (
	// attendEvery is how often a call is looked at. A silence is named by the
	// call 1.2 s after it began, and is to be told within 2 s.
	attendEvery = 250 * time.Millisecond
	// napsEvery is how many of these looks are one for sleep: each second.
	napsEvery = 4
	// secondEvery is how many of them are one that the black box keeps.
	secondEvery = 4
	// heldUp is how late a look may come. After a later one the program itself
	// did not run, and a microphone that brought nothing meanwhile is not at fault.
	heldUp = time.Second
)

// attend looks after a call and says what the operator should know: that nobody
// hears the microphone, that the computer slept, what the call suffers from. It
// ends push-to-talk. The function that it returns ends that and waits for its
// end.
func (p *Phone) attend() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.watch(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (p *Phone) watch(ctx context.Context) {
	asleep := p.cfg.Asleep
	if asleep == nil {
		asleep = wake.Asleep()
	}
	naps, quiet := wake.New(asleep), hush{say: p.Say, last: p.clock()}
	var doctor diagnose.Watch
	naps.Slept()
	ticker := time.NewTicker(attendEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n%napsEvery == 0 {
			if d := naps.Slept(); d > 0 {
				p.Woke(d)
				p.sayAwake(d)
			}
		}
		s := p.Snapshot()
		quiet.look(&s, p.clock())
		f := doctor.Look(&s, p.clock())
		p.found(f)
		if n%secondEvery == 0 {
			f.Tell(&s)
			p.noteSecond(&s)
		}
		p.tendLatch(s.Speaking)
		if n%noteEvery == 0 {
			p.goesOn(&s)
		}
	}
}

// found takes note of what a look found, for the screen.
func (p *Phone) found(f diagnose.Findings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.findings = f
}

// sayAwake tells that the computer slept.
func (p *Phone) sayAwake(slept time.Duration) {
	p.cfg.Log.Warn("computer slept", "slept", slept)
	text := fmt.Sprintf("This computer slept for %s: reconnecting.", callstate.Spell(slept))
	p.Say(callstate.Notice{Severity: callstate.Warning, Text: text})
}

// hush tells the operator, once each time, that the microphone is silent and
// that it no longer is.
type hush struct {
	say  func(callstate.Notice)
	last time.Duration // look
	told callstate.Silence
	from time.Duration // when what was told began
}

// whyUnheard are the sentences for each silence.
func whyUnheard(s callstate.Silence) string {
	switch s {
	case callstate.ExactZeros:
		return "Nobody hears you: the microphone brings exact zeros. Is it muted on the headset?"
	case callstate.FlatLevel:
		return "Nobody hears you: the level of the microphone does not move. Is its plug loose?"
	case callstate.NoCallbacks:
		return "Nobody hears you: the microphone brings nothing. Is it plugged in, and does the sound system run?"
	case callstate.NoSilence:
	}
	return ""
}

// look compares s, taken at now, with what was told.
func (h *hush) look(s *callstate.Snapshot, now time.Duration) {
	late := now-h.last > heldUp
	h.last = now
	if !s.State.Connected() || s.Muted || s.Held || s.MicrophoneEnd.State != callstate.EndOpen {
		h.told = callstate.NoSilence // what is said of those says enough
		return
	}
	switch {
	case s.Silence == h.told, late && s.Silence == callstate.NoCallbacks:
	case s.Silence == callstate.NoSilence:
		h.told = s.Silence
		h.say(callstate.Notice{Text: fmt.Sprintf("The microphone brings sound again, after %s.", callstate.Spell(now-h.from))})
	default:
		if h.told == callstate.NoSilence {
			h.from = now - s.SilentFor
		}
		h.told = s.Silence
		h.say(callstate.Notice{Severity: callstate.Warning, Text: whyUnheard(s.Silence), About: callstate.KindMicrophone})
	}
}
