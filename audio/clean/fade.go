package clean

// warmUp is for how many blocks a stage runs unheard before it is faded in, so
// that its memory is filled with what is there.
const warmUp = 2

// fader switches a stage on and off without a click.
type fader struct {
	share float32 // of the stage in the sound, 0 or 1 between blocks
	warm  int     // blocks that the stage ran unheard
}

// fade is what a fader says about one block: how the share of the stage goes
// from the beginning to the end of it.
type fade struct {
	runs     bool // the stage has to process this block
	begins   bool // it did not process the last one
	from, to float32
}

// start puts the stage on at once, which is for the beginning of a stream.
func (f *fader) start(on bool) {
	*f = fader{}
	if on {
		*f = fader{share: 1, warm: warmUp}
	}
}

// next moves on to the next block.
func (f *fader) next(on bool) fade {
	b := fade{runs: true, begins: f.warm == 0, from: f.share}
	switch {
	case on && f.warm < warmUp:
		f.warm++
	case on:
		f.share = 1
	case f.share == 1:
		f.share = 0
	default:
		f.warm = 0
		return fade{}
	}
	b.to = f.share
	return b
}

// mix replaces dry by its mixture with what the stage made of it.
func (b fade) mix(dry, processed *[blockSamples]float32) {
	if b.from == 1 && b.to == 1 {
		*dry = *processed
		return
	}
	for i := range dry {
		share := b.from + (b.to-b.from)*float32(i+1)/blockSamples
		dry[i] += share * (processed[i] - dry[i])
	}
}
