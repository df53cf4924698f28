package room

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// guest is a client of one kind, with a tone of its own that it says or not. It
// sends as such a client does, and listens through its earpiece.
type guest struct {
	name     string
	format   codec.Format
	wish     int // frame duration it would like to hear, in ms
	extended bool
	marked   bool // says how loud it is
	dtx      bool // announces its silence
	lazy     bool // of five fields: sends nothing while it is silent
	chunk    int  // it sends, in samples a channel of its own rate
	merge    int  // Opus frames in a chunk
	hz, peak float64

	says bool
	gain float64 // of the tone: it fades in and out within 5 ms

	tb    testing.TB
	leg   Leg
	ear   *earpiece
	enc   codec.Encoder
	phase int // in samples of its rate
	seq   uint64
	media int64
	quiet int           // samples of silence sent in a row, at 48 kHz
	due   time.Duration // of the next chunk, on the room's clock
	begin time.Duration // of its membership
	buf   [codec.MaxPacket]byte
}

// kinds are all formats that there are, mixed.
func kinds(r *rand.Rand) []codec.Format {
	var all []codec.Format
	for channels := 1; channels <= 2; channels++ {
		for _, rate := range []int{8000, 12000, 16000, 24000, 48000} {
			all = append(all, codec.Format{Codec: codec.Opus, Rate: rate, Channels: channels})
		}
		for _, rate := range []int{8000, 16000, 44100, 48000, 96000} {
			all = append(all, codec.Format{Codec: codec.PCM, Rate: rate, Channels: channels})
		}
	}
	r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// newGuest returns a client of that format whose other habits are drawn.
func newGuest(tb testing.TB, r *rand.Rand, i int, f codec.Format, peak float64) *guest {
	tb.Helper()
	g := &guest{
		tb: tb, name: fmt.Sprint(i), format: f, wish: 10 + 10*r.IntN(2), merge: 1,
		extended: r.IntN(3) > 0, hz: toneOf(i), peak: peak,
	}
	if g.extended {
		g.marked, g.dtx = r.IntN(3) > 0, r.IntN(2) == 0
	}
	frame := 480 * (1 + r.IntN(2))
	switch {
	case f.Codec == codec.Opus:
		g.chunk, g.merge = frame, 1+r.IntN(3)
	case g.extended:
		g.chunk = frame * f.Rate / audio.Rate
	default: // any size
		g.lazy = r.IntN(3) == 0
		g.chunk = int((3 + 27*r.Float64()) * float64(f.Rate) / 1000)
	}
	if f.Codec == codec.PCM {
		g.chunk = min(g.chunk, codec.MaxPacket/2/f.Channels)
	} else {
		g.enc = encoderOf(tb, f, g.chunk)
	}
	return g
}

// toneOf is the tone of the guest with that number. They are at least 70 Hz apart,
// at no regular distance, and all below what 8 kHz can carry.
func toneOf(i int) float64 {
	return 307 + 93*float64(i) + float64(i*i*7%23)
}

func encoderOf(tb testing.TB, f codec.Format, samples int) codec.Encoder {
	tb.Helper()
	c, err := directory().cfg.Codecs.Lookup(f.Codec)
	if err != nil {
		tb.Fatal(err)
	}
	enc, err := c.NewEncoder(f, codec.Options{Complexity: complexity, FrameSamples: samples})
	if err != nil {
		tb.Fatal(err)
	}
	return enc
}

func (g *guest) String() string {
	how := "five fields"
	if g.extended {
		how = fmt.Sprintf("marked %v, dtx %v", g.marked, g.dtx)
	}
	return fmt.Sprintf("%s (%s %d Hz %d ch, %s, says %d x %d, hears %d ms)",
		g.name, g.format.Codec, g.format.Rate, g.format.Channels, how, g.merge, g.chunk, g.wish)
}

// wave writes the next samples of the tone, at rate.
func (g *guest) wave(pcm []int16, rate int) {
	step := 200 / float64(rate) // 5 ms
	for i := range pcm {
		if g.says {
			g.gain = min(g.gain+step, 1)
		} else {
			g.gain = max(g.gain-step, 0)
		}
		shape := 0.5 - 0.5*math.Cos(math.Pi*g.gain)
		pcm[i] = int16(math.Round(shape * g.peak * math.Sin(2*math.Pi*g.hz*float64(g.phase)/float64(rate))))
		g.phase++
	}
}

// send says the next chunk. It returns how long that plays.
func (g *guest) send(now time.Duration) time.Duration {
	if g.format.Codec == codec.PCM {
		pcm := make([]int16, g.chunk)
		g.wave(pcm, g.format.Rate)
		data := g.buf[:0]
		for _, s := range pcm {
			for range g.format.Channels {
				data = binary.LittleEndian.AppendUint16(data, uint16(s))
			}
		}
		g.push(data, pcm, now)
		return time.Duration(g.chunk) * time.Second / time.Duration(g.format.Rate)
	}
	pcm := make([]int16, g.chunk*g.merge)
	g.wave(pcm, audio.Rate)
	for _, packet := range g.packets(pcm) {
		g.push(packet, pcm, now)
	}
	return audio.Duration(len(pcm))
}

// packets encodes pcm, as one packet of several frames where they are alike.
func (g *guest) packets(pcm []int16) [][]byte {
	var frames [][]byte
	for at := 0; at < len(pcm); at += g.chunk {
		buf := make([]byte, codec.MaxPacket)
		n, err := g.enc.Encode(buf, pcm[at:at+g.chunk])
		if err != nil {
			g.tb.Fatal(err)
		}
		if len(frames) > 0 && frames[0][0] != buf[0] {
			return append([][]byte{joined(frames)}, g.packets(pcm[at:])...)
		}
		frames = append(frames, buf[:n])
	}
	return [][]byte{joined(frames)}
}

// joined packs Opus packets of one frame each into one of all, as section 3.2.5 of
// RFC 6716 has it.
func joined(packets [][]byte) []byte {
	if len(packets) == 1 {
		return packets[0]
	}
	out := []byte{packets[0][0] | 3, 1<<7 | byte(len(packets))}
	for _, p := range packets[:len(packets)-1] {
		n := len(p) - 1
		if n >= 252 {
			out = append(out, byte(252+n%4), byte((n-252-n%4)/4))
		} else {
			out = append(out, byte(n))
		}
	}
	for _, p := range packets {
		out = append(out, p[1:]...)
	}
	return out
}

// push gives a packet to the room as the service does, or what stands for it in
// silence.
func (g *guest) push(data []byte, pcm []int16, now time.Duration) {
	samples, err := g.format.Samples(data)
	if err != nil {
		g.tb.Fatal(err)
	}
	silent := !g.says && g.gain == 0
	before := g.quiet
	if silent {
		g.quiet += samples
	} else {
		g.quiet = 0
	}
	media := g.media
	p := jitter.Packet{Epoch: 1, Samples: samples, Data: data}
	marks := uint32(0)
	switch {
	case !g.extended:
		p.Epoch = 0
		if g.lazy && before > 9600 && silent {
			return
		}
	case g.dtx && before > 4800 && silent:
		g.seq++
		g.media += int64(samples)
		if begun := before > 4800+samples; begun && before/9600 == g.quiet/9600 {
			return
		}
		p.DTX, p.Samples, p.Data = true, 0, nil
		marks = markDTX | markLevelValid | levelSilent
	default:
		p.Talk = g.dtx && before > 4800
		if g.marked {
			marks = markLevelValid | uint32(level.DBov(pcm))
		}
	}
	if !p.DTX {
		g.seq++
		g.media += int64(samples)
	}
	p.Sequence, p.Media = g.seq, media
	f := sendq.Frame{Sequence: g.seq, Epoch: p.Epoch, Marks: marks, Samples: p.Samples, Made: now, Data: p.Data}
	if g.extended {
		f.Media = uint64(media) + 1
	} else {
		f.Sequence = 0
	}
	if p.Talk {
		f.Marks |= markTalk
	}
	g.leg.Push(context.Background(), Uplink{Frame: f, Packet: p, Playable: true})
}
