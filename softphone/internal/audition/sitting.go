package audition

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

const (
	// relist is how long after a list the next is asked for. A list that fails
	// costs some sound systems memory, so the wait then doubles up to relistMost.
	relist     = time.Second
	relistMost = 16 * time.Second
	// giveWay is how long a device may take to be given back that a call wants.
	giveWay = time.Second
	// maxRows is how many devices of a direction are shown, those that are gone
	// included.
	maxRows = 64
	// maxListening is how many microphones are open at once.
	maxListening = 16
)

// sitting is what is open between Begin and End. It is for Run's goroutine.
type sitting struct {
	bench *Bench
	now   time.Duration
	phone callstate.Snapshot // of now

	ask     func() ([]sound.Info, error) // for a list; it may take long
	cancel  context.CancelFunc           // of the asking
	lists   chan listed                  // one slot
	asking  bool
	running sync.WaitGroup // of the asking
	nextAt  time.Duration
	wait    time.Duration

	list []sound.Info // the newest; nil: there was none yet
	err  string       // why there is none

	microphones, earpieces []*row
	speaker                *speaker // nil: nothing plays
	recorder               recorder
	handing                [2]handing // a microphone and an earpiece
}

type listed struct {
	list []sound.Info
	err  error
}

func newSitting(b *Bench) *sitting {
	s := &sitting{bench: b, now: b.cfg.Clock(), lists: make(chan listed, 1), wait: relist}
	s.nextAt = s.now
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.ask = cancel, func() ([]sound.Info, error) { return b.cfg.Hardware.List(ctx) }
	return s
}

// end gives everything back, and waits for that up to closeLimit.
func (s *sitting) end() {
	s.cancel()
	s.quiet()
	for _, r := range s.microphones {
		r.close(s)
	}
	s.running.Wait()
	defer func() { // what was chosen is chosen
		for i := range s.handing {
			s.handing[i].over(s.handing[i].by)
		}
	}()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	for _, t := range s.bench.leaving {
		select {
		case <-t.Released():
		case <-timer.C:
			s.bench.cfg.Log.Warn("devices were not given back", "limit", closeLimit)
			return
		}
	}
}

// do does what a key asks for.
func (s *sitting) do(a ask) {
	switch a.what {
	case toTone:
		if r := find(s.earpieces, a.key); r != nil && !r.gone {
			s.tone(r)
		}
	case toRecord:
		if r := find(s.microphones, a.key); r != nil && !r.gone {
			s.record(r)
		}
	case toChoose:
		s.choose(a.key)
	}
}

func find(rows []*row, key string) *row {
	for _, r := range rows {
		if r.key == key {
			return r
		}
	}
	return nil
}

// choose takes a device for this call and those that follow.
func (s *sitting) choose(key string) {
	r, what, change, h := find(s.microphones, key), "microphone", s.bench.cfg.Phone.ChooseMicrophone, &s.handing[0]
	if r == nil {
		r, what, change, h = find(s.earpieces, key), "earpiece", s.bench.cfg.Phone.ChooseEarpiece, &s.handing[1]
	}
	if r == nil || r.gone {
		return
	}
	s.bench.cfg.Choices.Choose(r.info)
	if s.bench.cfg.Phone.Snapshot().State == callstate.Idle {
		s.bench.cfg.Phone.Say(callstate.Notice{Text: fmt.Sprintf("Calls now take the %s %q.", what, r.info.Name)})
		return
	}
	*h = handing{to: func() { change(r.info.ID) }, by: s.now + giveWay} // which says what came of it
	if s.speaker != nil && s.speaker.row == r && sound.Exclusive(s.speaker.trial.Endpoint()) {
		h.held = s.speaker.trial
		s.quiet()
	}
	if r.open != nil && sound.Exclusive(r.open.Endpoint()) {
		h.held = r.open
		r.close(s)
		r.again = s.now + retry // by then the call has it
	}
	s.handOver()
}

// handing is a device on the way to the call, once the bench has given it back:
// some sound systems open a device only once.
type handing struct {
	to   func() // nil: none is on the way
	held sound.Trial
	by   time.Duration // at the latest
}

// handOver gives the chosen devices to the call, if they are free.
func (s *sitting) handOver() {
	for i := range s.handing {
		s.handing[i].over(s.now)
	}
}

func (h *handing) over(now time.Duration) {
	if h.to == nil {
		return
	}
	if h.held != nil && now < h.by {
		select {
		case <-h.held.Released():
		default:
			return
		}
	}
	h.to()
	*h = handing{}
}

// step does what is to be done now.
func (s *sitting) step(now time.Duration) {
	s.now, s.phone = now, s.bench.cfg.Phone.Snapshot()
	s.look()
	s.handOver()
	s.hear()
	s.listen()
	s.play()
	s.bench.publish(s.shown())
}

// look asks for a list when it is time for one, and takes the one that came.
func (s *sitting) look() {
	select {
	case l := <-s.lists:
		s.asking = false
		s.take(l)
	default:
	}
	if s.asking || s.now < s.nextAt {
		return
	}
	s.asking = true
	s.running.Go(func() {
		list, err := s.ask()
		s.lists <- listed{list, err}
	})
}

func (s *sitting) take(l listed) {
	if l.err != nil {
		s.nextAt, s.wait = s.now+s.wait, min(2*s.wait, relistMost)
		s.err, s.list = l.err.Error(), []sound.Info{}
	} else {
		s.nextAt, s.wait = s.now+relist, relist
		s.err, s.list = "", l.list
	}
	s.microphones = s.merge(s.microphones, sound.Capture, "")
	s.earpieces = s.merge(s.earpieces, sound.Playback, " (earpiece)")
}

// merge brings the rows of a direction up to date. What is gone keeps its place.
func (s *sitting) merge(rows []*row, dir sound.Direction, suffix string) []*row {
	there := make(map[string]sound.Info)
	for _, d := range s.list {
		if d.Direction == dir {
			there[d.ID] = d
		}
	}
	for _, r := range rows {
		if d, ok := there[r.info.ID]; ok {
			r.info, r.gone = d, false
			delete(there, d.ID)
		} else {
			s.vanished(r)
		}
	}
	for _, d := range s.list {
		if _, fresh := there[d.ID]; !fresh || d.Direction != dir {
			continue
		}
		delete(there, d.ID)
		if rows = room(rows); len(rows) == maxRows {
			continue
		}
		key := d.ID
		if dir == sound.Playback && find(s.microphones, key) != nil {
			key += suffix // some sound systems have one id for both
		}
		rows = append(rows, &row{key: key, info: d})
	}
	return rows
}

// room makes room for one more row, if something is gone.
func room(rows []*row) []*row {
	if len(rows) < maxRows {
		return rows
	}
	for i, r := range rows {
		if r.gone {
			return append(rows[:i:i], rows[i+1:]...)
		}
	}
	return rows
}

// vanished takes note that a device is gone.
func (s *sitting) vanished(r *row) {
	r.gone, r.err = true, ""
	r.close(s)
	if s.speaker != nil && s.speaker.row == r {
		s.stopped("the earpiece is gone")
	}
}

// inCall reports that the call of now has this device open.
func (s *sitting) inCall(d sound.Info) bool {
	e := s.phone.EarpieceOpen
	if d.Direction == sound.Capture {
		e = s.phone.MicrophoneOpen
	}
	return s.phone.State != callstate.Idle && e != nil && e.ID == d.ID && e.Backend == string(d.Backend)
}

// shown is the state for the screen.
func (s *sitting) shown() callstate.Bench {
	b := callstate.Bench{
		Listing: s.list == nil, Err: s.err, Recording: s.recorder.shown(s),
		Microphones: make([]callstate.BenchDevice, 0, len(s.microphones)),
		Earpieces:   make([]callstate.BenchDevice, 0, len(s.earpieces)),
	}
	chosenMic, mic := s.bench.cfg.Choices.Chosen(s.list, sound.Capture)
	chosenEar, ear := s.bench.cfg.Choices.Chosen(s.list, sound.Playback)
	for _, r := range s.microphones {
		d := s.device(r)
		d.Chosen = mic && r.info.ID == chosenMic.ID
		b.Microphones = append(b.Microphones, d)
	}
	for _, r := range s.earpieces {
		d := s.device(r)
		d.Chosen = ear && r.info.ID == chosenEar.ID
		b.Earpieces = append(b.Earpieces, d)
	}
	slices.SortStableFunc(b.Microphones, func(m, n callstate.BenchDevice) int { return order(m) - order(n) })
	return b
}

// order puts what records an earpiece behind the microphones.
func order(d callstate.BenchDevice) int {
	if d.Monitor {
		return 1
	}
	return 0
}

// device is what the screen shows of a row.
func (s *sitting) device(r *row) callstate.BenchDevice {
	d := callstate.BenchDevice{
		ID: r.key, Name: r.info.Name, Backend: string(r.info.Backend),
		Default: r.info.Default && !r.gone, Monitor: r.info.Monitor, Gone: r.gone, Err: r.err,
		InCall: s.inCall(r.info),
		Level:  callstate.Meter{Peak: level.Floor, RMS: level.Floor, Hold: level.Floor},
	}
	capture := r.info.Direction == sound.Capture
	switch {
	case d.InCall && capture:
		d.Open, d.Level = s.phone.MicrophoneOpen, s.phone.Microphone
	case d.InCall:
		d.Open, d.Level = s.phone.EarpieceOpen, s.phone.Earpiece
	case r.open != nil && r.isOpen:
		d.Open, d.Level = granted(r.open), r.level(s.now)
	}
	if !capture && s.speaker != nil && s.speaker.row == r {
		d.Tone = s.speaker.pattern
		if s.speaker.isOpen && d.Open == nil {
			d.Open = granted(s.speaker.trial)
		}
	}
	return d
}

func granted(t sound.Trial) *audio.Endpoint {
	e := t.Endpoint()
	return &e
}
