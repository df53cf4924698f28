package port

import (
	"time"

	"callcenter/audio"
)

const (
	// joinLimit is the longest hole between two microphones that is filled with
	// silence, and the longest overlap that is cut: 100 ms. A longer hole shows
	// as a jump of the position.
	joinLimit = CaptureLimit
	// rampSamples is how long the seam between two devices is smoothed: 2.5 ms.
	rampSamples = 120
)

// Rehearsal is what a device's callbacks show of its clock while another
// device still uses the port. The device that is to take over owns it; its
// callback is the only user until TakeOver.
type Rehearsal struct {
	lag   lag
	total uint64
}

// Rehearse takes note that a callback of the device behind r moved n samples,
// which nobody hears. It is for that callback and touches nothing of the port.
func (c *Capture) Rehearse(r *Rehearsal, n int) { r.add(n, c.clock()) }

func (r *Rehearsal) add(n int, now time.Duration) {
	r.total += uint64(n)
	r.lag.add(r.total, now)
}

// TakeOver gives the port to the device behind r, whose callback delivers from
// now on. The callback of the device before must have returned for the last
// time, and none of the next may run meanwhile.
//
// Positions go on as if there were one device: what both recorded is cut once,
// what neither did becomes silence, by the lateness of both devices' most
// punctual callbacks; so they stay true to a few ms and half a callback.
func (c *Capture) TakeOver(r *Rehearsal) { c.arriving = r }

// TakeOver gives the port to another device, whose callback takes from now on,
// faded in. It is otherwise as Capture.TakeOver.
func (p *Playback) TakeOver() { p.lag, p.rising = lag{}, rampSamples }

// join makes the sound of another device, first heard now, follow on what came
// before. It returns how many samples of silence go between, or, negative, how
// many of the new ones were heard already.
func (c *Capture) join(n int, now time.Duration) int {
	r := c.arriving
	c.arriving = nil
	before, known := c.lag.lateness()
	if !known {
		return 0
	}
	if _, known := r.lag.lateness(); !known {
		r.lag.add(r.total+uint64(n), now)
	}
	after, _ := r.lag.lateness()
	// The times at which the samples next in line were recorded.
	between := after + span(r.total) - before - span(c.samples.Load())
	c.lag = lag{} // what align changes is no gap
	return c.align(int(between.Microseconds()*audio.Rate/1e6), n)
}

// align changes a hole by up to half a callback, so that callbacks go on to end
// where the reader's frames do. Otherwise every frame would wait for the next
// callback from now on.
func (c *Capture) align(hole, n int) int {
	frame := int64(c.ring.Taken() + c.offset.Load())
	off := int((int64(c.samples.Load()) + int64(hole+n) - frame) % int64(n))
	if off < 0 {
		off += n
	}
	if off > n/2 {
		off -= n
	}
	return hole - off
}

// bridge smooths the step between two pieces of sound that do not belong
// together: it adds what the first is off and lets that fade.
type bridge struct {
	step, left int
	last       int16 // the newest sample that passed
	buf        [rampSamples]int16
}

// to begins a seam to a piece that begins with first.
func (b *bridge) to(first int16) { b.step, b.left = int(b.last)-int(first), rampSamples }

// over returns the part of pcm that the seam reaches, smoothed and valid until the next
// call, and the rest as it is.
func (b *bridge) over(pcm []int16) (smooth, rest []int16) {
	n := min(b.left, len(pcm))
	for i, v := range pcm[:n] {
		b.buf[i] = int16(max(-32768, min(int(v)+b.step*(b.left-i)/rampSamples, 32767)))
	}
	b.left -= n
	if len(pcm) > 0 {
		b.last = pcm[len(pcm)-1]
	}
	return b.buf[:n], pcm[n:]
}

// rise fades in what a device plays first.
func (p *Playback) rise(pcm []int16) {
	for i := range pcm[:min(p.rising, len(pcm))] {
		pcm[i] = int16(int(pcm[i]) * (rampSamples - p.rising) / rampSamples)
		p.rising--
	}
}
