package phone

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// save is a black box that is to be written.
type save struct {
	box   *blackbox.Recorder
	extra blackbox.Extra
}

// tape returns what keeps the call that begins, nil where no call is kept.
func (p *Phone) tape(id, destination string) call.Tape {
	if p.cfg.Boxes == nil {
		return nil
	}
	box := blackbox.NewRecorder(blackbox.Info{
		CallID: id, Destination: destination, Codec: p.cfg.Codec.Name(),
		FrameMS: p.cfg.Options.FrameSamples * 1000 / audio.Rate, Complete: p.cfg.Complete,
	}, p.clock)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.box = box
	return box
}

// noteSecond keeps how the call looks.
func (p *Phone) noteSecond(s *callstate.Snapshot) {
	p.mu.Lock()
	box := p.box
	p.mu.Unlock()
	if box != nil {
		box.Second(s)
	}
}

// SaveBlackBox writes the last minute of this call, or of the last one, to a new
// file; screen is what the desk shows. It returns at once. Run writes, and a notice
// says what it wrote where, or why it did not.
func (p *Phone) SaveBlackBox(screen string) {
	p.mu.Lock()
	box, current := p.box, p.current
	p.mu.Unlock()
	switch {
	case p.cfg.Boxes == nil:
		p.Say(callstate.Notice{Text: "No black box: keeping one is switched off; --black-box switches it on for the next start."})
		return
	case box == nil:
		p.Say(callstate.Notice{Text: "No black box: there has been no call yet."})
		return
	case !p.saving.CompareAndSwap(false, true):
		p.Say(callstate.Notice{Text: "A black box is being saved already."})
		return
	}
	s := p.Snapshot()
	x := blackbox.Extra{Screen: screen, Server: s.Server, State: s.State.String(), Duration: s.Duration}
	if current != nil {
		r := current.Report()
		if r.Ended = "over"; s.State != callstate.Idle {
			r.Ended = "going on"
		}
		x.Report = &r
	}
	p.saves <- save{box, x} // there is room: one at a time
}

// keepBoxes writes what SaveBlackBox asks for. The function that it returns writes
// what is still asked for and ends that.
func (p *Phone) keepBoxes() (end func()) {
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-p.saves:
				p.write(s)
			case <-over:
				select {
				case s := <-p.saves:
					p.write(s)
				default:
				}
				return
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// write writes a black box and says so.
func (p *Phone) write(s save) {
	defer p.saving.Store(false)
	began := time.Now()
	saved, err := p.save(s)
	if err != nil {
		p.cfg.Log.Warn("black box not saved", "folder", p.cfg.Boxes.Folder, "error", err)
	} else {
		p.cfg.Log.Info("black box saved", "path", saved.Path, "length", saved.Length, "took", time.Since(began))
	}
	p.Say(aboutBox(p.cfg.Boxes.Folder, saved, err))
}

// save is a panic's end too: no black box is worth a call.
func (p *Phone) save(s save) (saved blackbox.Saved, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	return p.cfg.Boxes.Save(s.box, s.extra)
}

// aboutBox is the sentence about a black box.
func aboutBox(folder string, saved blackbox.Saved, err error) callstate.Notice {
	switch {
	case errors.Is(err, blackbox.ErrEmpty):
		return callstate.Notice{Text: "No black box yet: " + blackbox.ErrEmpty.Error() + "."}
	case err != nil:
		return callstate.Notice{Severity: callstate.Failure, Text: fmt.Sprintf(
			"The black box could not be saved in %s: %v. Make room or put the folder right, then save it again.", folder, err)}
	}
	what := []string{"both voices", "statistics", "settings"}
	if saved.Screen {
		what = append(what, "this screen")
	}
	last := len(what) - 1
	return callstate.Notice{Text: fmt.Sprintf("%s: saved %.0f s of %s and %s. It holds what was said. softphone open FILE shows it.",
		saved.Path, saved.Length.Seconds(), strings.Join(what[:last], ", "), what[last])}
}
