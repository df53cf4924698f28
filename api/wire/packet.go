package wire

import (
	"math"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/codec"
)

// The bits of AudioChunk.marks.
const (
	MarkLevelMask  = 0x7f
	MarkVoice      = 1 << 7
	MarkLevelValid = 1 << 8
	MarkDTX        = 1 << 9
	MarkTalk       = 1 << 10
	MarkMuted      = 1 << 11
)

// maxMissing is the most frames that a peer without a clock may have skipped:
// ten minutes. More is garbage, or a step backwards. A media time above maxMedia
// is garbage too, which the jitter buffer counts.
const (
	maxMissing = 30000
	maxMedia   = 1 << 48
)

// LevelMarks returns the marks of a level in -dBov (RFC 6464) and a voice
// decision.
func LevelMarks(dbov uint8, voice bool) uint32 {
	m := uint32(min(dbov, 127)) | MarkLevelValid
	if voice {
		m |= MarkVoice
	}
	return m
}

// Packets turns one direction's chunks into packets for a jitter buffer. It
// numbers and times the chunks of peers that do not do so themselves.
type Packets struct {
	format    codec.Format
	sequence  uint64
	media     int64
	malformed uint64
}

// NewPackets returns the reader of a direction in that format.
func NewPackets(f codec.Format) *Packets { return &Packets{format: f} }

// Malformed counts the chunks whose audio no decoder may see.
func (r *Packets) Malformed() uint64 { return r.malformed }

// Read returns the packet in c. It reports false for chunks that carry no frame
// and for malformed audio, which it counts. The packet's data is c's.
func (r *Packets) Read(c *api.AudioChunk) (jitter.Packet, bool) {
	data := c.GetAudioData()
	marks := c.GetMarks()
	if len(data) == 0 && (marks&MarkDTX == 0 || c.GetSequence() == 0) {
		return jitter.Packet{}, false
	}
	samples := 0
	if len(data) > 0 {
		var err error
		if samples, err = r.format.Samples(data); err != nil {
			r.malformed++
			return jitter.Packet{}, false
		}
	}
	p := jitter.Packet{
		Sequence:      c.GetSequence(),
		DroppedBefore: int(min(c.GetDroppedBefore(), 1<<20)),
		Epoch:         c.GetEpoch(),
		Media:         int64(min(c.GetMediaTime(), math.MaxInt64)),
		Samples:       samples,
		DTX:           marks&MarkDTX != 0,
		Talk:          marks&MarkTalk != 0,
		Data:          data,
	}
	r.inherit(&p)
	return p, true
}

// inherit numbers and times what the peer did not. Missing frames of a peer
// that numbers without timing are taken for 20 ms each.
func (r *Packets) inherit(p *jitter.Packet) {
	if p.Sequence == 0 {
		p.Sequence = r.sequence + 1
	}
	if p.Media == 0 {
		p.Media = r.media
		if missing := p.Sequence - r.sequence - 1; missing <= maxMissing {
			p.Media += int64(missing) * audio.Rate / 50
		}
	} else {
		p.Media--
	}
	r.sequence = p.Sequence
	if p.Media < maxMedia {
		r.media = p.Media + int64(p.Samples)
	}
}
