package mix

import (
	"math"
	"sync/atomic"
	"time"

	"callcenter/audio"
)

// MaxGain is the most that a Gain turns up or down, in dB.
const MaxGain = 60.0

// rampTime is how long a Gain takes from one value to the next: a frame.
const rampTime = 20 * time.Millisecond

// Gain is a knob: it turns a signal up or down by what it is set to, and goes
// from one value to the next on a straight line of 20 ms, which makes no click.
// At 0 dB samples pass bit for bit. Its zero value is at 0 dB. Set and DB are for
// any goroutine, the others for one; nothing allocates.
type Gain struct {
	want atomic.Uint64 // dB, as the bits of a float64

	bits    uint64  // of want, when target was computed
	now     float32 // minus 1, so that the zero value is 0 dB
	target  float32 // minus 1
	step    float32 // a sample
	ramp    int     // samples left until target
	settled bool    // was used before: the first value needs no ramp
}

// Set turns to so many dB, brought into -MaxGain to MaxGain; what is no number is
// 0 dB.
func (g *Gain) Set(dB float64) {
	if math.IsNaN(dB) {
		dB = 0
	}
	g.want.Store(math.Float64bits(min(max(dB, -MaxGain), MaxGain)))
}

// DB returns what it is set to, in dB.
func (g *Gain) DB() float64 { return math.Float64frombits(g.want.Load()) }

// Unity reports that the next samples pass unchanged. It looks at what was set.
func (g *Gain) Unity() bool {
	g.turn()
	return g.ramp == 0 && g.target == 0
}

// turn looks at what was set meanwhile.
func (g *Gain) turn() {
	bits := g.want.Load()
	if bits == g.bits && g.settled {
		return
	}
	g.bits = bits
	g.target = float32(amplitude(math.Float64frombits(bits)) - 1)
	if !g.settled {
		g.settled, g.now = true, g.target
		return
	}
	g.ramp = audio.Samples(rampTime)
	g.step = (g.target - g.now) / float32(g.ramp)
}

// Process applies the gain to pcm where it is, up to full scale.
func (g *Gain) Process(pcm []int16) {
	if g.Unity() {
		return
	}
	for i, x := range pcm {
		y := float32(x) * g.next()
		pcm[i] = int16(min(max(math.RoundToEven(float64(y)), math.MinInt16), math.MaxInt16))
	}
}

// Widen writes src with the gain to dst, which has room beyond full scale for a
// Limiter. It stops at the shorter of the two.
func (g *Gain) Widen(dst []int32, src []int16) {
	g.turn()
	for i, x := range src[:min(len(dst), len(src))] {
		dst[i] = int32(math.RoundToEven(float64(float32(x) * g.next())))
	}
}

// next is the factor of the next sample.
func (g *Gain) next() float32 {
	if g.ramp > 0 {
		g.now += g.step
		if g.ramp--; g.ramp == 0 {
			g.now = g.target
		}
	}
	return 1 + g.now
}
