package room

import "slices"

// abrupt reports that pcm begins in the middle of a wave: farther from silence than
// it ever moves in a sample.
func abrupt(pcm []int16) bool {
	begin, step := abs(pcm[0]), 0
	for i := 1; i < len(pcm) && step < begin; i++ {
		step = max(step, abs(pcm[i])-abs(pcm[i-1]), abs(pcm[i-1])-abs(pcm[i]))
	}
	return begin > step
}

func abs(s int16) int { return max(int(s), -int(s)) }

// fadeAway turns the last that was heard of one who is gone into the 10 ms after it:
// mirrored, so that there is no step, and faded out.
func (l *conferenceLeg) fadeAway() {
	slices.Reverse(l.pcm[:])
	fade(l.pcm[:], -1)
}

// fade lets pcm begin (1) or end (-1) at silence.
func fade(pcm []int16, direction int) {
	n := len(pcm)
	for i := range pcm {
		gain := i
		if direction < 0 {
			gain = n - 1 - i
		}
		pcm[i] = int16(int(pcm[i]) * gain / n)
	}
}
