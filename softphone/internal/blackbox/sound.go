package blackbox

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"callcenter/audio"
)

// preSkip is what a player of Ogg/Opus leaves out at first, in samples: the writer
// says 80 ms (RFC 7845, section 4.2).
const preSkip = 3840

// frame is a frame of a leg, for its place in time: at is when its first sample was
// said, or could have been heard.
type frame struct {
	epoch   uint32
	media   int64
	samples int
	at      time.Duration
	data    []byte
}

// leg puts frames on one timeline. The media time of frames says how far they are
// apart; the fastest of an epoch says where they are.
type leg struct {
	frames []frame
	began  map[uint32]time.Duration // of the epoch's media time 0
}

func (l *leg) add(f frame) {
	if l.began == nil {
		l.began = make(map[uint32]time.Duration)
	}
	began := f.at - clockOf(f.media)
	if was, ok := l.began[f.epoch]; !ok || began < was {
		l.began[f.epoch] = began
	}
	l.frames = append(l.frames, f)
}

// clockOf is a media time as a duration. Unlike audio.Duration it does not overflow
// after two days.
func clockOf(media int64) time.Duration {
	return time.Duration(media/audio.Rate)*time.Second + time.Duration(media%audio.Rate)*time.Second/audio.Rate
}

// place calls put with each frame that begins within the window and how many
// samples after its beginning it does.
func (l *leg) place(w window, put func(f *frame, at int)) {
	for i := range l.frames {
		f := &l.frames[i]
		at := l.began[f.epoch] + clockOf(f.media) - w.from
		if at < 0 || at >= w.length() {
			continue
		}
		put(f, audio.Samples(at))
	}
}

// ogg is the leg as Ogg/Opus. What is missing is packets without content, which a
// decoder conceals; gaps are whole multiples of 2.5 ms, and what is left over is
// made good by the next.
func (l *leg) ogg(w window) ([]byte, error) {
	out := &memory{}
	file, err := oggwriter.NewWriter(out, oggwriter.WithChannelCount(1), oggwriter.WithVendor("softphone"), oggwriter.WithSeekableOutput(out))
	if err != nil {
		return nil, err
	}
	track, err := file.NewTrack(1)
	if err != nil {
		return nil, err
	}
	cursor := -preSkip
	write := func(data []byte, samples int) {
		if err == nil {
			err = track.WriteRTP(&rtp.Packet{Header: rtp.Header{SSRC: 1}, Payload: data})
		}
		cursor += samples
	}
	fill := func(until int) {
		for _, gap := range [...]struct {
			samples int
			toc     byte // a CELT frame of that length (RFC 6716, section 3.1)
		}{{960, 31 << 3}, {480, 30 << 3}, {240, 29 << 3}, {120, 28 << 3}} {
			for until-cursor >= gap.samples {
				write([]byte{gap.toc}, gap.samples)
			}
		}
	}
	fill(0)
	l.place(w, func(f *frame, at int) {
		if cursor-at > f.samples/2 {
			return // twice there, or of another clock: the legs stay in step
		}
		fill(at)
		write(f.data, f.samples)
	})
	fill(audio.Samples(w.length()))
	if err != nil {
		return nil, err
	}
	err = file.Close()
	return out.data, err
}

// memory is a file in memory, whose last page the writer marks when it closes it.
type memory struct{ data []byte }

func (m *memory) Write(b []byte) (int, error) {
	m.data = append(m.data, b...)
	return len(b), nil
}

// Seek tells where writing goes on, which is all that it is asked for.
func (m *memory) Seek(int64, int) (int64, error) { return int64(len(m.data)), nil }

// WriteAt writes over what is there.
func (m *memory) WriteAt(b []byte, at int64) (int, error) { return copy(m.data[at:], b), nil }

// wav is the leg of a pcm call as WAV: 48 kHz, mono, 16 bits.
func (l *leg) wav(w window) []byte {
	const head = 44
	n := audio.Samples(w.length())
	out := make([]byte, head+2*n)
	copy(out, "RIFF\x00\x00\x00\x00WAVEfmt ")
	le := binary.LittleEndian
	le.PutUint32(out[4:], uint32(len(out)-8))
	le.PutUint32(out[16:], 16)
	le.PutUint16(out[20:], 1)
	le.PutUint16(out[22:], 1)
	le.PutUint32(out[24:], audio.Rate)
	le.PutUint32(out[28:], 2*audio.Rate)
	le.PutUint16(out[32:], 2)
	le.PutUint16(out[34:], 16)
	copy(out[36:], "data")
	le.PutUint32(out[40:], uint32(2*n))
	end := 0
	l.place(w, func(f *frame, at int) {
		if gap := at - end; gap > -shortStep && gap < shortStep {
			at = end // the rounding of clocks
		}
		if at < n {
			copy(out[head+2*at:], f.data)
			end = at + f.samples
		}
	})
	return out
}

// shortStep is less than any gap is, in samples.
const shortStep = 120

// window is a part of a call, by its clock.
type window struct{ from, to time.Duration }

func (w window) length() time.Duration {
	return max(0, min(w.to-w.from, math.MaxInt32*time.Microsecond))
}
