package check

import (
	"context"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

const (
	// openLimit is how long both devices may take to open.
	openLimit = 6 * time.Second
	// dumb is how long a device may move nothing before it is given up.
	dumb = 3 * time.Second
	// ahead is how much waits for the earpiece: the check may be late by that.
	ahead = 80 * time.Millisecond
	// maxHeard bounds what of the microphone is kept: a minute.
	maxHeard = 60 * audio.Rate
	// choosing is how soon after its opening a device says that it is another.
	choosing = 500 * time.Millisecond
)

// end is one of the two devices.
type end struct {
	stream phone.Stream
	opened bool  // or not: the outcome is there
	err    error // why it is not open
	failed string
	moved  time.Duration // when it moved sound last
	count  uint64        // samples, then
	clock  deviceClock
	began  time.Duration  // when it opened
	shown  audio.Endpoint // what was open
	other  string         // the sentence that says that another device was opened than chosen
	stops  int            // times that it stopped for a while
	stop   callstate.EndState
	gaps   uint64
	lost   time.Duration // sound that the sound system dropped, in sum
}

// works reports a device that is open and moves sound.
func (d *end) works() bool { return d.stream != nil && d.failed == "" }

// ends are both devices.
type ends struct {
	clock    audio.Clock
	mic, ear end
	capture  *port.Capture
	playback *port.Playback
	limiter  *protect.Limiter
	results  chan opening
	opening  int // outcomes that are still to come

	meter level.Meter
	heard []int16 // all of the microphone,
	first uint64  // from this position on
	began bool    // there is some
	frame []int16
	play  []int16 // what is still to be played, after which there is silence
	block []int16

	written uint64 // to the earpiece
	taking  uint64 // how much that took at once lately
}

// opening is the outcome of opening a device.
type opening struct {
	mic    bool
	stream phone.Stream
	err    error
}

func newEnds(cfg *Config) *ends {
	return &ends{
		clock: cfg.Clock, capture: port.NewCapture(cfg.Clock), playback: port.NewPlayback(cfg.Clock),
		limiter: protect.New(cfg.EarCeiling), results: make(chan opening, 2),
		frame: make([]int16, audio.PeriodSamples), block: make([]int16, audio.PeriodSamples),
	}
}

// open begins to open both devices.
func (e *ends) open(ctx context.Context, sound phone.Sound) {
	e.opening = 2
	go func() {
		s, err := sound.OpenCapture(ctx, e.capture)
		e.results <- opening{true, s, err}
	}()
	go func() {
		s, err := sound.OpenPlayback(ctx, e.playback)
		e.results <- opening{false, s, err}
	}()
}

// took takes the outcome of an opening.
func (e *ends) took(o opening) {
	e.opening--
	d := e.side(o.mic)
	d.opened, d.err, d.moved = true, o.err, e.clock()
	d.began = d.moved
	if o.err != nil {
		return
	}
	d.stream, d.shown = o.stream, o.stream.Endpoint()
	if err := o.stream.Start(); err != nil {
		d.failed = err.Error()
	}
}

func (e *ends) side(mic bool) *end {
	if mic {
		return &e.mic
	}
	return &e.ear
}

// step moves sound, and sees whether the devices still do.
func (e *ends) step(now time.Duration) {
	if e.mic.works() {
		e.listen(now)
		st := e.capture.Stats()
		e.mic.gaps, e.mic.lost = st.Gaps, st.GapTime
		if st.Samples != e.mic.count {
			if at, ok := e.capture.DeliveredAt(st.Samples - 1); ok {
				e.mic.clock.add(st.Samples, at)
			}
		}
		e.mic.look(st.Samples, now, "it brings nothing")
	}
	if e.ear.works() {
		e.feed()
		st := e.playback.Stats()
		e.ear.gaps, e.ear.lost = st.Gaps, st.GapTime
		if st.Taken+st.UnderrunSamples != e.ear.count {
			if begin, at, ok := e.taken(st.Taken); ok && st.UnderrunSamples == e.playback.Stats().UnderrunSamples {
				e.ear.clock.add(begin+st.UnderrunSamples, at)
			}
		}
		e.ear.look(st.Taken+st.UnderrunSamples, now, "it plays nothing")
	}
}

// taken returns where the newest block that the earpiece took begins, and when it
// was taken: then its first sample begins to be played.
func (e *ends) taken(total uint64) (begin uint64, at time.Duration, ok bool) {
	if total == 0 {
		return 0, 0, false
	}
	at, ok = e.playback.TakenAt(total - 1)
	if !ok {
		return 0, 0, false
	}
	same := func(pos uint64) bool {
		t, there := e.playback.TakenAt(pos)
		return there && t == at
	}
	if begin = total - min(total, e.taking); begin < total && same(begin) && (begin == 0 || !same(begin-1)) {
		return begin, at, true // as long as the one before
	}
	lo, hi := total-min(total, port.RingSamples), total-1 // it begins in (lo, hi]
	for lo+1 < hi {
		mid := lo + (hi-lo)/2
		if same(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	if same(lo) {
		hi = lo
	}
	e.taking = total - hi
	return hi, at, true
}

// look takes note of what a device has moved and said.
func (d *end) look(count uint64, now time.Duration, nothing string) {
	if count != d.count {
		d.count, d.moved = count, now
	}
	for more := true; more; {
		select {
		case n := <-d.stream.Changed():
			if n.Severity == callstate.Warning && now-d.began < choosing {
				d.other = n.Text
			} else {
				d.clock.interrupt()
			}
			d.shown = d.stream.Endpoint()
		default:
			more = false
		}
	}
	select {
	case <-d.stream.Lost():
		d.failed = "it ended"
		if err := d.stream.Err(); err != nil {
			d.failed = err.Error()
		}
	default:
	}
	stop := d.stream.Health().State
	if stop != callstate.EndOpen && d.stop == callstate.EndOpen {
		d.stops++
		d.clock.interrupt()
	}
	d.stop = stop
	switch {
	case d.failed != "":
	case stop == callstate.EndGone:
		d.failed = "it is gone"
	case now-d.moved >= dumb:
		d.failed = nothing
	}
}

// listen keeps what the microphone brought.
func (e *ends) listen(now time.Duration) {
	for {
		pos, ok := e.capture.Read(e.frame)
		if !ok {
			return
		}
		e.meter.Add(e.frame, now)
		if !e.began {
			e.first, e.began = pos, true
		}
		at := int(min(pos-e.first, maxHeard))
		if at+len(e.frame) > maxHeard {
			continue
		}
		for len(e.heard) < at { // sound that was lost
			e.heard = append(e.heard, 0)
		}
		e.heard = append(e.heard, e.frame...)
	}
}

// feed keeps ahead of the earpiece: with what is to be played, or silence.
func (e *ends) feed() {
	for e.playback.Buffered() < max(audio.Samples(ahead), e.playback.LowWater()) {
		clear(e.block)
		n := copy(e.block, e.play)
		e.play = e.play[n:]
		e.limiter.Process(e.block)
		pos, n := e.playback.Write(e.block)
		e.written = pos + uint64(n)
	}
}

// level is that of the microphone now.
func (e *ends) level(now time.Duration) callstate.Meter {
	m := e.meter.Read(now)
	return callstate.Meter{Peak: m.Peak, RMS: m.RMS, Hold: m.Hold, Clip: m.Clip}
}

// position is how much of the microphone was heard so far.
func (e *ends) position() int { return len(e.heard) }

// between returns what was heard from one position to another.
func (e *ends) between(from, to int) []int16 {
	from, to = min(max(from, 0), len(e.heard)), min(max(to, 0), len(e.heard))
	return e.heard[from:max(from, to)]
}

// around returns what the microphone heard when the sample at pos was played.
func (e *ends) around(pos uint64) (heardProbe, bool) {
	played, ok := e.ear.clock.at(pos)
	if !ok {
		return heardProbe{}, false
	}
	from := played + echoBegin
	// The clock tells when a sample was there; solve it for the sample.
	at := float64(e.first)
	for range 3 {
		t, ok := e.mic.clock.at(uint64(max(at, 0)))
		if !ok {
			return heardProbe{}, false
		}
		at += (from - t).Seconds() * audio.Rate
	}
	at -= float64(e.first)
	begin := int(at)
	pcm := e.between(begin, begin+probeSamples())
	if at < 0 || len(pcm) < probeSamples() {
		return heardProbe{}, false
	}
	return heardProbe{pcm: pcm, late: at - float64(begin)}, true
}

// giveBack closes both devices, also those that are still opening once their
// context has ended, and waits for them: 2 s, for a sound system that hangs.
func (e *ends) giveBack() {
	for e.opening > 0 {
		e.took(<-e.results)
	}
	done := make(chan struct{}, 2)
	n := 0
	for _, d := range []*end{&e.mic, &e.ear} {
		if d.stream == nil {
			continue
		}
		n++
		go func() {
			if err := d.stream.Close(); err != nil && d.failed == "" {
				d.failed = err.Error()
			}
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
	e.playback.Finish()
}
