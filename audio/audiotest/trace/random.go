package trace

import "math"

const (
	words  = 624 // of state
	middle = 397
)

// random gives the numbers that Python's random.Random gives for the same
// seed: the Mersenne Twister MT19937 of Matsumoto and Nishimura, seeded by
// array, and the distributions that Python draws with it. Products are rounded
// before they are added to, as Python does, so that no processor fuses the two.
type random struct {
	state [words]uint32
	at    int
	spare float64 // of the pair of normal numbers drawn together
	has   bool
}

// newRandom seeds with the absolute value of seed, in words of 32 bits.
func newRandom(seed int64) *random {
	n := uint64(max(seed, -seed))
	key := []uint32{uint32(n)}
	if n>>32 != 0 {
		key = append(key, uint32(n>>32))
	}
	r := &random{at: words}
	s := &r.state
	s[0] = 19650218
	for i := uint32(1); i < words; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + i
	}
	i := 1
	step := func() {
		if i++; i == words {
			s[0] = s[words-1]
			i = 1
		}
	}
	for k := range words { // the key is shorter than the state
		j := k % len(key)
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		step()
	}
	for range words - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		step()
	}
	s[0] = 1 << 31
	return r
}

func (r *random) word() uint32 {
	if r.at == words {
		s := &r.state
		for i := range s {
			y := s[i]&(1<<31) | s[(i+1)%words]&(1<<31-1)
			s[i] = s[(i+middle)%words] ^ y>>1 ^ y&1*0x9908b0df
		}
		r.at = 0
	}
	y := r.state[r.at]
	r.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// unit returns a number from [0, 1) with 53 bits.
func (r *random) unit() float64 {
	high, low := r.word()>>5, r.word()>>6
	return float64(uint64(high)<<26+uint64(low)) / (1 << 53)
}

func (r *random) uniform(a, b float64) float64 { return a + float64((b-a)*r.unit()) }

// exponential has the mean 1/rate.
func (r *random) exponential(rate float64) float64 { return -math.Log(1-r.unit()) / rate }

// normal has the mean 0.
func (r *random) normal(sigma float64) float64 {
	if r.has {
		r.has = false
		return r.spare * sigma
	}
	angle := r.unit() * (2 * math.Pi)
	radius := math.Sqrt(-2 * math.Log(1-r.unit()))
	r.spare, r.has = math.Sin(angle)*radius, true
	return math.Cos(angle) * radius * sigma
}

// gamma has the shape alpha, above 1, and the mean alpha times beta (R. C. H.
// Cheng, "The generation of Gamma variables with non-integral shape
// parameters", Applied Statistics 26, 1977).
func (r *random) gamma(alpha, beta float64) float64 {
	log4, magic := math.Log(4), 1+math.Log(4.5)
	root := math.Sqrt(2*alpha - 1)
	for {
		u := r.unit()
		if u <= 1e-7 || u >= 0.9999999 {
			continue
		}
		w := 1 - r.unit()
		v := math.Log(u/(1-u)) / root
		x := alpha * math.Exp(v)
		z := u * u * w
		y := alpha - log4 + float64((alpha+root)*v) - x
		if y+magic-float64(4.5*z) >= 0 || y >= math.Log(z) {
			return x * beta
		}
	}
}
