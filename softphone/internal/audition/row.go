package audition

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/port"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

// retry is how long after a microphone did not open, or was lost, it is opened
// again.
const retry = 3 * time.Second

// row is a device on the screen.
type row struct {
	key  string // of the screen
	info sound.Info
	gone bool
	err  string // why it does not open

	// Of a microphone.
	open   sound.Trial // nil: it is not open, nor opening
	isOpen bool
	port   *port.Capture
	meter  *level.Meter
	again  time.Duration // not to be opened before
}

// close gives the device back.
func (r *row) close(s *sitting) {
	if r.open != nil {
		s.bench.leave(r.open)
	}
	r.open, r.isOpen, r.port, r.meter = nil, false, nil, nil
}

// fail gives up a device that does not open or was lost, for a while.
func (r *row) fail(s *sitting, why string) {
	r.close(s)
	r.err, r.again = why, s.now+retry
}

func (r *row) level(now time.Duration) callstate.Meter {
	m := r.meter.Read(now)
	return callstate.Meter{Peak: m.Peak, RMS: m.RMS, Hold: m.Hold, Clip: m.Clip}
}

// hear opens the microphones that are to be open, closes the others, and takes
// what they bring.
func (s *sitting) hear() {
	full := s.bench.owed()
	chosen, isChosen := s.bench.cfg.Choices.Chosen(s.list, sound.Capture)
	listening := 0
	for _, r := range s.microphones {
		wanted := !r.gone && (s.recorder.takes(r) ||
			!s.inCall(r.info) && (!r.info.Monitor || isChosen && chosen.ID == r.info.ID) && listening < maxListening)
		if wanted {
			listening++
		}
		switch {
		case !wanted && r.open != nil:
			r.close(s)
		case wanted && r.open == nil && s.now >= r.again && !full:
			r.port, r.meter = port.NewCapture(s.bench.cfg.Clock), &level.Meter{}
			r.open = s.bench.cfg.Hardware.TryCapture(r.info, r.port)
		}
		if r.open != nil {
			r.drain(s)
		}
	}
}

// drain takes what a microphone has brought.
func (r *row) drain(s *sitting) {
	select {
	case err := <-r.open.Opened():
		if err != nil {
			s.recorder.failed(r, err.Error())
			r.fail(s, err.Error())
			return
		}
		r.isOpen, r.err = true, ""
	case <-r.open.Lost():
		s.recorder.failed(r, "the microphone stopped")
		r.fail(s, "it stopped: it was unplugged or suspended")
		return
	default:
	}
	var block [audio.PeriodSamples]int16
	for {
		if _, ok := r.port.Read(block[:]); !ok {
			return
		}
		r.meter.Add(block[:], s.now)
		s.recorder.add(r, block[:])
	}
}
