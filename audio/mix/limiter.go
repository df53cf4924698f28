package mix

// Ceiling is the greatest magnitude that a Limiter lets out, -1 dBFS.
const Ceiling = 29203

const (
	// window is the most samples that the limiter looks at together, 20 ms.
	window = 960
	// attack is the most the gain falls a sample while there is time: from 1 to
	// 0 in 5 ms.
	attack = 1.0 / 240
	// hold is how many samples the gain stays after a peak, 20 ms: longer than
	// a wave of a voice, so that the gain does not follow the waves.
	hold = 960
	// release is the factor by which the gain then rises a sample, 24 dB a
	// second.
	release = 1.0000576
)

// Limiter turns a signal down where it would exceed Ceiling. It adds no delay:
// it looks ahead inside the block it is given, so that the gain is on its way
// down when a peak comes. A peak at the beginning of a block, too near for that,
// flattens at Ceiling, which is continuous too. The gain comes back slowly. What
// needs no limiting passes bit for bit.
//
// A Limiter belongs to one output and remembers its gain between blocks. The
// zero value is ready. It is for one goroutine at a time.
type Limiter struct {
	// cut is 1 minus the gain at the end of the last block.
	cut float32
	// held is how many samples the gain still stays.
	held int
	// need holds the gains that the samples at work allow.
	need [window]float32
}

// Process writes src to dst, limited. It stops at the shorter of the two.
func (l *Limiter) Process(dst []int16, src []int32) {
	n := min(len(dst), len(src))
	for at := 0; at < n; at += window {
		end := min(at+window, n)
		l.block(dst[at:end], src[at:end])
	}
}

// Gain returns the gain at the end of the last block, 0 to 1: how far down the
// limiter holds the signal.
func (l *Limiter) Gain() float64 { return float64(1 - l.cut) }

// block limits up to window samples.
func (l *Limiter) block(dst []int16, src []int32) {
	if l.cut == 0 && !exceeds(src) {
		for i, x := range src {
			dst[i] = int16(x)
		}
		return
	}
	need := l.need[:len(src)]
	// Backwards: from each peak the gain that is on its way down to it.
	next := float32(1)
	for i := len(src) - 1; i >= 0; i-- {
		next = min(next+attack, allowed(src[i]))
		need[i] = next
	}
	// Forwards: from the gain that is, no faster than attack and release, yet
	// never above what the sample allows.
	gain := 1 - l.cut
	for i, x := range src {
		switch {
		case need[i] <= gain:
			gain = min(max(need[i], gain-attack), allowed(x))
			l.held = hold
		case l.held > 0:
			l.held--
		default:
			gain = min(need[i], gain*release)
		}
		dst[i] = int16(min(max(float32(x)*gain, -Ceiling), Ceiling))
	}
	l.cut = 1 - gain
}

// exceeds reports whether a sample is beyond Ceiling.
func exceeds(src []int32) bool {
	for _, x := range src {
		if x > Ceiling || x < -Ceiling {
			return true
		}
	}
	return false
}

// allowed returns the greatest gain that keeps x within Ceiling, at most 1.
func allowed(x int32) float32 {
	if x < 0 {
		x = -x
	}
	if x <= Ceiling {
		return 1
	}
	return Ceiling / float32(x)
}
