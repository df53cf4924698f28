package room

import (
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/sendq"
)

const (
	// complexity of the Opus encoder: what 9 adds on a 32 kbit/s mix is not
	// worth the processor time of another call.
	complexity = 5

	// The marks of a level, of silence and of a talk spurt, as on the wire.
	levelMask      = 1<<7 - 1
	markVoice      = 1 << 7
	markLevelValid = 1 << 8
	markDTX        = 1 << 9
	markTalk       = 1 << 10
	markMuted      = 1 << 11
	levelSilent    = 127

	// tail is how long a mix in which nobody is heard any more is still encoded:
	// the codec delays sound, and words must end before silence is announced.
	tail = 100 * time.Millisecond
	// dtxInterval is how often announced silence says that it goes on.
	dtxInterval = 200 * time.Millisecond
)

// outlet sends the frames that one member hears: those of a mix, or another
// member's as they are. Silence of a mix is announced instead to a member that knows
// marks: after a tail, then every 200 ms. The room's goroutine uses it, and calls
// turn; the receive loop of another member calls forward.
type outlet struct {
	down  Downlink
	clock audio.Clock

	resumed atomic.Bool // the member hears over another stream from now on

	mu     sync.Mutex     // one frame at a time
	source *conferenceLeg // whose frames are forwarded; nil: it hears the mix
	theirs uint32         // the epoch of the newest that was
	epoch  uint32         // as it is told to the member
	fresh  bool           // the next frame begins another
	used   bool           // a frame of this one was sent

	// Of the mix.
	media   int64  // of the next frame's first sample
	skipped uint32 // frames that could not be encoded since the last that was
	failed  uint64

	dtx    bool // the member knows marks
	paused bool // silence is announced
	marked int  // samples since it last was
}

// deliver sends the full frame of c.
func (o *outlet) deliver(c *coder) {
	if o.dtx && c.silent() {
		o.pause(c.samples)
	} else {
		c.encode()
		o.send(c)
	}
	o.media += int64(c.samples)
}

// pause uses the slot of a silent frame to say that nothing comes.
func (o *outlet) pause(samples int) {
	o.marked += samples
	if o.paused && o.marked < audio.Samples(dtxInterval) {
		o.down.Skip()
		return
	}
	o.paused, o.marked = true, 0
	o.mix(sendq.Frame{
		DroppedBefore: o.skipped,
		Media:         uint64(o.media) + 1,
		Marks:         markLevelValid | levelSilent | markDTX,
		Made:          o.clock(),
	})
	o.skipped = 0
}

func (o *outlet) send(c *coder) {
	if c.err != nil {
		o.failed++
		o.skipped++
		return
	}
	marks := c.marks
	if o.paused {
		o.paused = false
		marks |= markTalk
	}
	o.mix(sendq.Frame{
		DroppedBefore: o.skipped,
		Media:         uint64(o.media) + 1,
		Marks:         marks,
		Samples:       c.samples,
		Made:          o.clock(),
		Inside:        c.inside(),
		Data:          c.data,
	})
	o.skipped = 0
}

// mix sends a frame of the mix.
func (o *outlet) mix(f sendq.Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.Epoch = o.next()
	o.down.Send(f)
}

// next returns the epoch of the frame that is about to be sent. It holds o.mu.
func (o *outlet) next() uint32 {
	if o.resumed.Load() && o.resumed.Swap(false) {
		o.fresh = true
	}
	if o.fresh && o.used {
		o.epoch++
	}
	o.fresh, o.used = false, true
	return o.epoch
}

// anew notes that the room's clock started anew.
func (o *outlet) anew() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fresh = true
}

// hushed reports that the member hears nothing: nothing was sent yet, or silence is
// announced.
func (o *outlet) hushed() bool { return o.paused || !o.used }

// speaker is an outlet with a coder of its own.
type speaker struct {
	outlet
	coder *coder
}

func newSpeaker(cfg Config, m Member, down Downlink) (*speaker, error) {
	c, err := newCoder(cfg.Codecs, m.Format, m.frame())
	if err != nil {
		return nil, err
	}
	return &speaker{outlet: outlet{down: down, clock: cfg.Clock, epoch: 1, dtx: m.Extended}, coder: c}, nil
}

// frame is how long a frame the member would like to hear, in samples.
func (m *Member) frame() int {
	if m.FrameMS == 10 {
		return audio.PeriodSamples
	}
	return 2 * audio.PeriodSamples
}

// next returns where the next 10 ms go.
func (s *speaker) next() []int16 { return s.coder.next() }

// done says that the next 10 ms are written, and whether there is anything to
// hear in them. A full frame is sent.
func (s *speaker) done(audible bool) {
	if s.coder.done(audible, 0) {
		s.deliver(s.coder)
	}
}
