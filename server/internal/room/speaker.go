package room

import (
	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

const (
	// complexity of the Opus encoder: what 9 adds on a 32 kbit/s mix is not
	// worth the processor time of another call.
	complexity = 5

	// The marks of a level, as on the wire.
	markVoice      = 1 << 7
	markLevelValid = 1 << 8
)

// speaker makes the frames that one member hears from 10 ms of PCM at a time.
// One goroutine uses it.
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
	}, nil
}

// next returns where the next 10 ms go.
func (s *speaker) next() []int16 { return s.pcm[s.fill : s.fill+audio.PeriodSamples] }

// done says that the next 10 ms are written. A full frame is sent.
func (s *speaker) done() {
	s.fill += audio.PeriodSamples
	if s.fill < len(s.pcm) {
		return
	}
	s.fill = 0
	s.send()
	s.media += int64(len(s.pcm))
}

func (s *speaker) send() {
	n, err := s.enc.Encode(s.buf[:], s.pcm)
	if err != nil {
		s.failed++
		s.skipped++
		return
	}
	marks := markLevelValid | uint32(level.DBov(s.pcm))
	if s.voice.Add(s.pcm) {
		marks |= markVoice
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
