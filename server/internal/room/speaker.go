package room

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
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

// speaker makes the frames that one member hears from 10 ms of PCM at a time.
// Silence is announced instead of encoded to a member that knows marks: after a
// tail, then every 200 ms. One goroutine uses it.
type speaker struct {
	down  Downlink
	enc   codec.Encoder
	clock audio.Clock

	pcm   []int16 // one frame
	fill  int
	epoch uint32
	media int64 // of the frame's first sample
	voice level.Voice
	buf   [codec.MaxPacket]byte

	skipped uint32 // frames that could not be encoded since the last that was
	failed  uint64

	dtx     bool // the member knows marks
	audible bool // there is something to hear in the frame that is being filled
	quiet   int  // samples since there last was
	paused  bool // silence is announced
	marked  int  // samples since it last was
}

// newSpeaker returns the frames of m's codec, rate and duration. Where a frame
// of 20 ms does not fit into a chunk (pcm) it has 10.
func newSpeaker(cfg Config, m Member, down Downlink) (*speaker, error) {
	c, err := cfg.Codecs.Lookup(m.Format.Codec)
	if err != nil {
		return nil, err
	}
	frame := 2 * audio.PeriodSamples
	if m.FrameMS == 10 {
		frame = audio.PeriodSamples
	}
	o := codec.Options{Complexity: complexity, FrameSamples: frame}
	enc, err := c.NewEncoder(m.Format, o)
	if err != nil && frame > audio.PeriodSamples {
		o.FrameSamples = audio.PeriodSamples
		enc, err = c.NewEncoder(m.Format, o)
	}
	if err != nil {
		return nil, err
	}
	return &speaker{
		down:  down,
		enc:   enc,
		clock: cfg.Clock,
		pcm:   make([]int16, o.FrameSamples),
		epoch: 1,
		dtx:   m.Extended,
	}, nil
}

// next returns where the next 10 ms go.
func (s *speaker) next() []int16 { return s.pcm[s.fill : s.fill+audio.PeriodSamples] }

// done says that the next 10 ms are written, and whether there is anything to
// hear in them. A full frame is sent.
func (s *speaker) done(audible bool) {
	s.audible = s.audible || audible
	s.fill += audio.PeriodSamples
	if s.fill < len(s.pcm) {
		return
	}
	if s.audible {
		s.quiet = 0
	} else {
		s.quiet = min(s.quiet+len(s.pcm), audio.Rate)
	}
	s.fill, s.audible = 0, false
	if s.dtx && s.quiet > audio.Samples(tail) {
		s.pause()
	} else {
		s.send()
	}
	s.media += int64(len(s.pcm))
}

// pause uses the slot of a silent frame to say that nothing comes.
func (s *speaker) pause() {
	s.marked += len(s.pcm)
	if s.paused && s.marked < audio.Samples(dtxInterval) {
		s.down.Skip()
		return
	}
	s.paused, s.marked = true, 0
	s.down.Send(sendq.Frame{
		DroppedBefore: s.skipped,
		Epoch:         s.epoch,
		Media:         uint64(s.media) + 1,
		Marks:         markLevelValid | levelSilent | markDTX,
		Made:          s.clock(),
	})
	s.skipped = 0
}

func (s *speaker) send() {
	voice := s.voice.Add(s.pcm)
	n, err := s.enc.Encode(s.buf[:], s.pcm)
	if err != nil {
		s.failed++
		s.skipped++
		return
	}
	marks := markLevelValid | uint32(level.DBov(s.pcm))
	if voice {
		marks |= markVoice
	}
	if s.paused {
		s.paused = false
		marks |= markTalk
	}
	s.down.Send(sendq.Frame{
		DroppedBefore: s.skipped,
		Epoch:         s.epoch,
		Media:         uint64(s.media) + 1,
		Marks:         marks,
		Samples:       len(s.pcm),
		Made:          s.clock(),
		Data:          s.buf[:n],
	})
	s.skipped = 0
}

// anew notes that the room's clock started anew.
func (s *speaker) anew() { s.epoch++ }
