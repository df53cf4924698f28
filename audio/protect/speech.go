package protect

import (
	"math"
	"math/bits"

	"callcenter/audio"
)

const (
	fullScale = math.MaxInt16
	// blockSamples is the step in which levels are looked at: 10 ms.
	blockSamples = audio.PeriodSamples

	// assumed is the speech level before speech was heard, in dBFS RMS: with it
	// the ceiling alone counts, since nobody has got used to anything yet and
	// the first words of a call may be loud. A sound that goes on for more than
	// strangeBlocks and is no speech makes it suspected, by wary dB a block.
	// lowest and highest bound what the level becomes.
	assumed, suspected, lowest, highest = -20.0, -30.0, -45.0, -10.0
	strangeBlocks                       = 30
	wary                                = 0.2
	// enough is how many blocks of speech make a first level, and learnt how
	// many until it follows slowly: one second and four.
	enough, learnt = 100, 400
	// silence is the level below which a block says nothing about speech.
	silence = -50.0
	// loud is how far above the running level a block is out of the ordinary,
	// in dB: only a burst, or somebody else, or a louder voice.
	loud = 8.0
	// rise and fall are how fast the level follows, in dB a block; shocked is
	// the rise while the RMS alone is above the limit, where a voice seldom is,
	// and settle the fall until the level is learnt.
	rise, shocked, fall, settle = 0.10, 0.03, 0.01, 0.06
	// active is how far below the level a block still is speech as ITU-T P.56
	// counts it, in dB. What is softer, a breath or the talk of others behind
	// the voice, takes the level down by drift only, 0.3 dB a second.
	active = 16.0
	drift  = 0.003
	wane   = 0.99931 // drift as a factor of energy
	// smoothing is the share of a new block in the mean energy: about a second.
	smoothing = 0.01

	// variation is the change from one block to the next that a steady sound
	// does not have, in dB.
	variation = 1.0
	// pairsMin is how many neighbouring blocks are compared before sound may
	// count as speech, 160 ms, and pairsMax how many of the newest count.
	pairsMin, pairsMax = 16, 24
	// forget is after how many blocks without a loud one the loud ones are
	// taken for another event: 2 s.
	forget = 200
)

// speech follows the level of the speech in a signal.
//
// Speech is told from tones, noise and bursts by its restlessness: a quarter at
// least of its 10 ms blocks differ from the one before by more than 1 dB, where
// steady sounds and noise do not. Sound that is loud, 8 dB above the running
// level, has to prove so by itself, with 160 ms of its own: the speech before a
// whistle is no proof of the whistle. Its beginnings and ends prove nothing
// either, or a row of beeps would be speech.
type speech struct {
	level float64 // dBFS RMS

	sum  uint64 // energy of the block that is being filled
	fill int

	mean     float64 // energy of a sample of speech, smoothed
	heard    int     // blocks of speech, at most learnt
	strange  int     // loud blocks in a row that are no speech
	previous float64 // level of the block before
	changed  bool    // whether that one differed from the one before it
	ordinary restless
	above    restless // of loud blocks
	run      int      // loud blocks in a row
	quiet    int      // blocks since the last loud one
}

func newSpeech() speech {
	return speech{level: assumed, mean: energyOf(assumed), previous: math.Inf(-1)}
}

// add listens to the newest samples, in blocks of any length.
func (s *speech) add(pcm []int16) {
	for _, x := range pcm {
		s.sum += uint64(int64(x) * int64(x))
		if s.fill++; s.fill == blockSamples {
			s.block(float64(s.sum) / blockSamples)
			s.sum, s.fill = 0, 0
		}
	}
}

// block takes 10 ms of that mean energy into account.
func (s *speech) block(energy float64) {
	now := levelOf(energy)
	if now < silence || !s.proven(now) {
		if s.heard < enough {
			s.doubt(now)
		}
		return
	}
	s.strange = 0
	if s.heard > 0 && now < levelOf(s.mean)-active {
		if s.heard == learnt {
			s.level = max(s.level-drift, lowest)
			s.mean *= wane
		}
		return
	}
	s.heard = min(s.heard+1, learnt)
	up, down := rise, fall
	switch {
	case s.heard < enough:
		down = 0
	case s.heard < learnt:
		down = settle
	}
	if now > s.level+Headroom {
		up = shocked
	}
	s.mean += max(smoothing, 1/float64(s.heard)) * (energy - s.mean)
	s.level += min(max(levelOf(s.mean)-s.level, -down), up)
	s.level = min(max(s.level, lowest), highest)
}

// doubt looks at a block that is no speech before speech was heard. What goes on
// and on loudly lowers the level that is assumed, as long as it lasts.
func (s *speech) doubt(now float64) {
	if now < suspected {
		s.strange, s.level = 0, max(s.level, assumed)
		return
	}
	if s.strange++; s.strange > strangeBlocks {
		s.level = max(s.level-wary, min(s.level, suspected))
	}
}

// proven reports whether a block of that level belongs to speech.
func (s *speech) proven(now float64) bool {
	before := s.changed
	s.changed = math.Abs(now-s.previous) > variation
	s.previous = now
	if now <= s.level+loud {
		s.run = 0
		if s.quiet++; s.quiet > forget {
			s.above = restless{}
		}
		s.ordinary.add(s.changed)
		return s.ordinary.proven()
	}
	s.quiet = 0
	// The change from the last block but one to the last, both of which are
	// within the loud sound: the fourth in a row is the first to tell.
	if s.run++; s.run >= 4 {
		s.above.add(before)
	}
	return s.above.proven()
}

// restless remembers which of the newest blocks differed from the one before.
type restless struct {
	bits uint32
	n    int
}

func (r *restless) add(differs bool) {
	r.bits <<= 1
	if differs {
		r.bits |= 1
	}
	r.n = min(r.n+1, pairsMax)
}

// proven reports whether that is how speech is.
func (r *restless) proven() bool {
	const newest = 1<<pairsMax - 1
	return r.n >= pairsMin && 4*bits.OnesCount32(r.bits&newest) >= r.n
}

// levelOf returns the level of a mean energy in dBFS.
func levelOf(energy float64) float64 {
	return 10 * math.Log10(max(energy, 1e-3)/(fullScale*fullScale))
}

// energyOf is the inverse of levelOf.
func energyOf(dBFS float64) float64 { return fullScale * fullScale * math.Pow(10, dBFS/10) }
