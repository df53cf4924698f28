package pcm

const (
	// memory is how much of the past is repeated: 20 ms, and a step of the fade
	// takes as long.
	memory = 960
	// ramp is how long the gain takes to its next step, and how long a packet
	// after a gap is faded in: 5 ms.
	ramp = 240
)

// concealer makes up audio where packets are missing: the last 20 ms backwards,
// forwards, backwards and so on, so that no turn has a greater step than the
// audio itself, at gains of 1, 0.9 and 0.5 for 20 ms each and then silence. The
// zero value, with the delay of the rate conversion, is ready.
type concealer struct {
	// delay is how many samples at the start of a packet are still from before
	// the gap, as the converter comes that much behind.
	delay int
	last  [memory]int16 // the end of what was decoded
	gap   int           // samples made up since then, 0 outside gaps
	back  int           // samples of the fade back into decoded audio
}

// fill writes what may have been there.
func (c *concealer) fill(pcm []int16) {
	c.back = 0
	for i := range pcm {
		pcm[i] = c.next()
	}
}

// resume takes decoded audio, blends its beginning with the end of a gap and
// remembers it.
func (c *concealer) resume(pcm []int16) {
	for i := range pcm {
		if c.gap == 0 {
			break
		}
		share := float32(max(c.back-c.delay, 0)) / ramp
		made := float32(c.next())
		pcm[i] = int16(made + share*(float32(pcm[i])-made))
		if c.back++; c.back == c.delay+ramp {
			c.gap, c.back = 0, 0
		}
	}
	if c.gap != 0 {
		return // a packet shorter than the fade, which needs the same past
	}
	if n := len(pcm); n < memory {
		copy(c.last[:], c.last[n:])
	}
	tail := pcm[max(0, len(pcm)-memory):]
	copy(c.last[memory-len(tail):], tail)
}

// next returns the next sample of a gap.
func (c *concealer) next() int16 {
	gain := fade(c.gap)
	if gain == 0 {
		return 0
	}
	// 0 is the sample before the last one, the last one was just played.
	at := c.gap % (2 * (memory - 1))
	if at < memory-1 {
		at = memory - 2 - at
	} else {
		at -= memory - 2
	}
	c.gap++
	return int16(float32(c.last[at]) * gain)
}

// fade returns the gain of sample i of a gap.
func fade(i int) float32 {
	levels := [...]float32{1, 1, 0.9, 0.5, 0}
	step := i / memory
	if step >= len(levels)-1 {
		return 0
	}
	before, now := levels[step], levels[step+1]
	return before + (now-before)*min(1, float32(i%memory)/ramp)
}
