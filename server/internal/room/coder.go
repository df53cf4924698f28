package room

import (
	"errors"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/mix"
	"callcenter/codec"
)

// warmFrames are encoded again, for nobody, by an encoder that has rested before
// it takes over a listener. With no past of its own it would begin with a dip of
// its lookahead, 6.5 ms. More than 4 frames change nothing.
const warmFrames = 4

// errBroken is of a frame in whose encoding the encoder panicked.
var errBroken = errors.New("the encoder panicked")

// coding is what must be alike for two members to share an encoder.
type coding struct {
	format  codec.Format
	samples int // of a frame
}

// coder makes the frames of one coding from 10 ms of PCM at a time. A conference
// has one for all who only listen, and each member one for what is heard while
// they have the floor. One goroutine uses it.
type coder struct {
	coding
	enc        codec.Encoder
	complexity int

	pcm     []int16 // warmFrames before the frame that is being filled, and that
	fill    int     // of it, in samples
	limiter mix.Limiter
	voice   level.Voice
	audible bool          // there is something to hear in the frame that is being filled
	quiet   int           // samples since there last was
	held    time.Duration // how long the oldest voice in it has waited for this frame to begin
	full    bool          // the frame is
	ran     uint64

	// The next frame is the first that somebody hears of it: it is not predicted
	// from those before it, which another encoder made for them. A steady tone
	// wobbles by up to 13 dB otherwise.
	newcomer, predicts bool

	broken  bool // the encoder panicked
	used    bool // the encoder has a past
	encoded bool // buf is of the frame
	buf     [codec.MaxPacket]byte
	data    []byte
	marks   uint32
	err     error
}

// newCoder returns the coder of m's codec, rate and frame duration. Where a frame
// of 20 ms does not fit into a chunk (pcm) it has 10.
func newCoder(codecs codec.Registry, f codec.Format, samples int) (*coder, error) {
	c, err := codecs.Lookup(f.Codec)
	if err != nil {
		return nil, err
	}
	o := codec.Options{Complexity: complexity, FrameSamples: samples}
	enc, err := c.NewEncoder(f, o)
	if err != nil && samples > audio.PeriodSamples {
		o.FrameSamples = audio.PeriodSamples
		enc, err = c.NewEncoder(f, o)
	}
	if err != nil {
		return nil, err
	}
	return &coder{
		coding:     coding{f, o.FrameSamples},
		enc:        enc,
		complexity: complexity,
		predicts:   true,
		pcm:        make([]int16, (warmFrames+1)*o.FrameSamples),
	}, nil
}

// frame is the frame that is being filled, or was just.
func (c *coder) frame() []int16 { return c.pcm[warmFrames*c.samples:] }

// next returns where the next 10 ms go.
func (c *coder) next() []int16 {
	if c.full {
		copy(c.pcm, c.pcm[c.samples:])
		c.rest()
	}
	return c.frame()[c.fill : c.fill+audio.PeriodSamples]
}

// done says that the next 10 ms are written, whether there is anything to hear in
// them, and how long that waited at most in the buffers before. It reports whether
// the frame is full.
func (c *coder) done(audible bool, held time.Duration) bool {
	c.audible = c.audible || audible
	c.held = max(c.held, held)
	c.fill += audio.PeriodSamples
	c.full = c.fill == c.samples
	if c.full {
		if c.audible {
			c.quiet = 0
		} else {
			c.quiet = min(c.quiet+c.samples, audio.Rate)
		}
	}
	return c.full
}

// inside is how long the first sample of the full frame is inside the server until it
// leaves: in the buffer of its voice, until the frame is full, in the encoder.
func (c *coder) inside() time.Duration {
	return c.held + audio.Duration(c.samples-audio.PeriodSamples+c.enc.Lookahead())
}

// silent reports that nobody has been heard for so long that all words ended.
func (c *coder) silent() bool { return c.quiet > audio.Samples(tail) }

// encode encodes the full frame, once for all who are to hear it.
func (c *coder) encode() {
	if c.encoded {
		return
	}
	c.encoded, c.used = true, true
	c.marks = markLevelValid | uint32(level.DBov(c.frame()))
	if c.voice.Add(c.frame()) {
		c.marks |= markVoice
	}
	c.broken, c.data, c.err = true, nil, errBroken
	c.predict(!c.newcomer)
	n, err := c.enc.Encode(c.buf[:], c.frame())
	c.predict(true)
	c.newcomer = false
	c.broken, c.data, c.err = false, c.buf[:max(n, 0)], err
}

// follow lets a coder that has rested go on with the frame that begins in the
// tick now, where from is or is about to go on.
func (c *coder) follow(from *coder, now uint64) {
	c.rest()
	c.limiter, c.voice, c.quiet = from.limiter, from.voice, from.quiet
	past := from.pcm
	if from.full && from.ran != now { // what it did last is past
		past = past[from.samples:]
	}
	copy(c.pcm, past[:warmFrames*c.samples])
	c.adjust(from.complexity)
	c.warm()
}

// begin lets a coder go on after what past fills the end of what it is given with, and
// returns how much that is; nil: silence.
func (c *coder) begin(past func(dst []int16) int) {
	c.rest()
	dst, n := c.pcm[:warmFrames*c.samples], 0
	if past != nil {
		n = past(dst)
	}
	clear(dst[:len(dst)-n])
	c.warm()
}

// warm lets the encoder hear the past again, also when that is silence: it still holds
// the end of what it encoded last.
func (c *coder) warm() {
	for i := range warmFrames {
		_, _ = c.enc.Encode(c.buf[:], c.pcm[i*c.samples:(i+1)*c.samples]) // what fails will fail again
	}
}

// rest drops what was begun: the frame that comes next does not follow it.
func (c *coder) rest() { c.full, c.encoded, c.fill, c.audible, c.held = false, false, 0, false, 0 }

// predict says whether the encoder may predict a frame from those before it, where
// it does that.
func (c *coder) predict(on bool) {
	if c.predicts == on {
		return
	}
	if e, ok := c.enc.(interface{ SetPrediction(on bool) error }); ok {
		_ = e.SetPrediction(on) // then it stays as it is
	}
	c.predicts = on
}

// adjust sets the encoder's complexity where it has one.
func (c *coder) adjust(complexity int) {
	if c.complexity == complexity {
		return
	}
	c.complexity = complexity
	if e, ok := c.enc.(interface{ SetComplexity(complexity int) error }); ok {
		_ = e.SetComplexity(complexity) // then it stays as it is
	}
}

// effort is how much the encoders of a room may do: less when its ticks run late,
// more again when they have not for a while.
type effort struct {
	best  int
	below int // complexity less than the best
	late  int // late ticks, of which one is forgiven every forgive
	since int // ticks since the last change

	lowered uint64 // times that it was
}

const (
	effortStep = 2
	// tooLate late ticks within about a second lower the effort, calm without one
	// raises it. It rests after a change, so that the change can be seen.
	tooLate    = 3
	forgive    = int(500 * time.Millisecond / audio.Period)
	effortRest = int(time.Second / audio.Period)
	calm       = int(10 * time.Second / audio.Period)
)

// tick notes a tick and returns the complexity for the next.
func (e *effort) tick(late bool) int {
	e.since++
	switch {
	case late:
		e.late++
	case e.since%forgive == 0:
		e.late = max(e.late-1, 0)
	}
	switch {
	case e.late >= tooLate && e.since >= effortRest && e.below < e.best:
		e.below = min(e.below+effortStep, e.best)
		e.late, e.since = 0, 0
		e.lowered++
	case late:
		e.since = min(e.since, effortRest)
	case e.since >= calm && e.below > 0:
		e.below = max(e.below-effortStep, 0)
		e.since = 0
	}
	return e.best - e.below
}
