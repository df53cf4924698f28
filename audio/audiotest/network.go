package audiotest

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
)

// Arrival is a packet and when it arrives.
type Arrival struct {
	Packet jitter.Packet
	At     time.Duration
}

// Frames cuts pcm into packets of frame samples, numbered from 1, on a capture
// clock that begins at zero. Each arrives the moment its last sample is there.
func Frames(pcm []int16, frame int) []Arrival {
	var out []Arrival
	for at := 0; at+frame <= len(pcm); at += frame {
		out = append(out, Arrival{
			Packet: jitter.Packet{
				Sequence: uint64(len(out)) + 1,
				Epoch:    1,
				Media:    int64(at),
				Samples:  frame,
				Data:     Encode(nil, pcm[at:at+frame]),
			},
			At: audio.Duration(at + frame),
		})
	}
	return out
}

// Delay delays each arrival by what delay says of it, and keeps them in order
// as TCP does.
func Delay(arrivals []Arrival, delay func(i int) time.Duration) {
	var last time.Duration
	for i := range arrivals {
		a := &arrivals[i]
		a.At = max(a.At+delay(i), last+50*time.Microsecond)
		last = a.At
	}
}

// Stall holds back what arrives within length from a moment until its end; then
// all of it comes in a burst.
func Stall(arrivals []Arrival, from, length time.Duration) {
	Delay(arrivals, func(i int) time.Duration {
		if at := arrivals[i].At; at >= from && at < from+length {
			return from + length - at
		}
		return 0
	})
}

// Drift makes the sender's clock fast by this many millionths.
func Drift(arrivals []Arrival, ppm float64) {
	for i := range arrivals {
		arrivals[i].At = time.Duration(float64(arrivals[i].At) / (1 + ppm*1e-6))
	}
}

// Drop removes the arrivals with from <= index < to and marks the one after
// them as the sender does.
func Drop(arrivals []Arrival, from, to int) []Arrival {
	if to < len(arrivals) {
		arrivals[to].Packet.DroppedBefore += to - from
	}
	return slices.Delete(arrivals, from, to)
}

// Gamma returns delays of this least and mean extra length, gamma-distributed
// with shape 1.2 as on a quiet network.
func Gamma(least, mean time.Duration, seed uint64) func(int) time.Duration {
	const shape = 1.2
	rnd := rand.New(rand.NewPCG(seed, 3))
	return func(int) time.Duration {
		// Marsaglia and Tsang's method, for a shape of at least 1.
		d := shape - 1.0/3
		for {
			x := rnd.NormFloat64()
			v := math.Pow(1+x/math.Sqrt(9*d), 3)
			if v > 0 && math.Log(rnd.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
				return least + time.Duration(d*v/shape*float64(mean))
			}
		}
	}
}
