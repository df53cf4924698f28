package room

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"callcenter/audio"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// earpiece is the Downlink of a guest: it decodes what comes, keeps account of every
// slot, and knows from the events who has the floor.
type earpiece struct {
	of    *guest
	clock audio.Clock
	dec   codec.Decoder

	mu     sync.Mutex
	frames []sendq.Frame // with those of skipped slots, which have nothing in them
	faults []string
	failed error

	epoch  uint32
	next   uint64 // media time that is due
	slot   int    // samples of a slot
	pause  bool   // the last frame announced silence
	said   int    // samples of all frames so far
	played int    // and of slots that carry nothing
	floor  map[string]bool
	here   map[string]bool
}

func newEarpiece(g *guest, clock audio.Clock) *earpiece {
	c, err := directory().cfg.Codecs.Lookup(g.format.Codec)
	if err != nil {
		g.tb.Fatal(err)
	}
	dec, err := c.NewDecoder(g.format)
	if err != nil {
		g.tb.Fatal(err)
	}
	return &earpiece{of: g, clock: clock, dec: dec, slot: 48 * g.wish, floor: map[string]bool{}, here: map[string]bool{}}
}

func (e *earpiece) Send(f sendq.Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.Data = slices.Clone(f.Data)
	e.account(f)
	e.frames = append(e.frames, f)
}

func (e *earpiece) Skip() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next += uint64(e.slot)
	e.played += e.slot
	e.frames = append(e.frames, sendq.Frame{})
}

func (e *earpiece) Put(f sendq.Frame) { e.Send(f) }

func (e *earpiece) SendWait(_ context.Context, f sendq.Frame) { e.Send(f) }

func (e *earpiece) Levels(*Levels) {}

func (e *earpiece) Event(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch ev.Kind {
	case Joined:
		e.here[ev.Name] = true
	case Left:
		delete(e.here, ev.Name)
		delete(e.floor, ev.Name)
	case Speaking:
		e.floor[ev.Name] = true
	case Silent:
		delete(e.floor, ev.Name)
	case Muted, Unmuted, Held, Resumed, Pressed:
	}
}

func (e *earpiece) Fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = err
}

// told are those who have the floor, as far as the guest was told.
func (e *earpiece) told() map[string]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.floor)
}

// account checks that a frame follows the one before. A new epoch begins a new
// count, and a frame's duration may change with it.
func (e *earpiece) account(f sendq.Frame) {
	switch {
	case f.Media == 0 || f.Epoch == 0:
		e.fault("a frame without media time or epoch")
	case f.Epoch == e.epoch && e.pause && f.Media >= e.next: // of one who is heard directly
		e.played += int(f.Media - e.next)
	case f.Epoch == e.epoch && f.Media != e.next:
		e.fault("media time %d of epoch %d, %d is due", f.Media, f.Epoch, e.next)
	case f.Epoch < e.epoch:
		e.fault("epoch %d after %d", f.Epoch, e.epoch)
	case f.DroppedBefore != 0:
		e.fault("%d frames are missing", f.DroppedBefore)
	case !e.of.extended && len(f.Data) == 0:
		e.fault("an empty frame for a client of five fields")
	case len(f.Data) > codec.MaxPacket:
		e.fault("a frame of %d bytes", len(f.Data))
	}
	samples := f.Samples
	if len(f.Data) == 0 {
		samples = e.slot
		if f.Marks&markDTX == 0 {
			e.fault("an empty frame that announces no silence")
		}
	}
	e.pause = len(f.Data) == 0
	e.epoch, e.next, e.slot = f.Epoch, f.Media+uint64(samples), samples
	e.said += f.Samples
	e.played += samples
}

// fault notes what is wrong. It holds mu.
func (e *earpiece) fault(format string, args ...any) {
	if len(e.faults) < 10 {
		e.faults = append(e.faults, fmt.Sprintf("at %v: ", e.clock())+fmt.Sprintf(format, args...))
	}
}

// misheard notes what is wrong with what was decoded.
func (e *earpiece) misheard(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault(format, args...)
}

// hear decodes what came since the last time, at the guest's own rate for pcm and
// at 48 kHz for Opus.
func (e *earpiece) hear() []int16 {
	e.mu.Lock()
	frames, slot := e.frames, e.slot
	e.frames = nil
	e.mu.Unlock()
	var heard []int16
	for _, f := range frames {
		switch {
		case len(f.Data) == 0:
			heard = append(heard, make([]int16, slot*e.rate()/audio.Rate)...)
		case e.of.format.Codec == codec.PCM:
			heard = append(heard, e.unpack(f.Data)...)
		default:
			pcm := make([]int16, 5760)
			n, err := e.dec.Decode(pcm, f.Data)
			if err != nil || n != f.Samples {
				e.misheard("a packet of %d samples, %d were promised: %v", n, f.Samples, err)
			}
			heard = append(heard, pcm[:n]...)
		}
	}
	return heard
}

func (e *earpiece) rate() int {
	if e.of.format.Codec == codec.PCM {
		return e.of.format.Rate
	}
	return audio.Rate
}

// unpack returns the left side of pcm that must be the same on both.
func (e *earpiece) unpack(data []byte) []int16 {
	size := 2 * e.of.format.Channels
	pcm := make([]int16, 0, len(data)/size)
	for ; len(data) >= size; data = data[size:] {
		left := int16(binary.LittleEndian.Uint16(data))
		if right := int16(binary.LittleEndian.Uint16(data[size-2:])); left != right {
			e.misheard("%d on the left and %d on the right", left, right)
		}
		pcm = append(pcm, left)
	}
	if len(data) > 0 {
		e.misheard("half a sample")
	}
	return pcm
}

// check reports what was wrong so far with the guest's frames: what does not
// follow, what is missing, and what came twice.
func (e *earpiece) check() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	faults := e.faults
	e.faults = nil
	if e.failed != nil {
		faults = append(faults, e.failed.Error())
	}
	if lack := audio.Samples(e.clock()-e.of.begin) - e.played; lack < -e.slot-2*audio.PeriodSamples || lack > 2*e.slot+2*audio.PeriodSamples && !e.pause {
		faults = append(faults, fmt.Sprintf("%v are missing of %v", audio.Duration(lack), e.clock()-e.of.begin))
	}
	return faults
}

// spectrum measures tones in pcm behind one Hann window: the amplitude of each.
func spectrum(pcm []int16, rate int, hz []float64) []float64 {
	shaped := make([]float64, len(pcm))
	sum := 0.0
	for i, x := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		shaped[i] = w * float64(x)
		sum += w
	}
	out := make([]float64, len(hz))
	for k, f := range hz {
		c := 2 * math.Cos(2*math.Pi*f/float64(rate))
		var s1, s2 float64
		for _, x := range shaped {
			s1, s2 = x+c*s1-s2, s1
		}
		out[k] = 2 * math.Sqrt(max(0, s1*s1+s2*s2-c*s1*s2)) / sum
	}
	return out
}

// decibels is the level of an amplitude against another.
func decibels(x, to float64) float64 { return 20 * math.Log10(max(x, 1e-3)/to) }
