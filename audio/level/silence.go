package level

// What Silence tells apart.
const (
	// namedAfter is how many blocks of it make a silence: 1.2 s. The noise gate of
	// a headset closes between words for less than that, and an operator is to
	// know within 2 s.
	namedAfter = 120
	// gatedAfter is the same where silence is no fault yet: 10 s, and twice as
	// much, up to a minute, each time that it was none.
	gatedAfter    = 1000
	gatedAtMost   = 6000
	gateCloses    = 5 // the least blocks of a gate that was closed
	gateEvidence  = 3 // as many times it closed, and opened again by itself
	flatSpan      = 2 // codes between the least and the greatest sample of a block
	soundAttack   = 2 // see Silence.sounding
	soundDeclared = 6
)

// Dead says what is wrong with a microphone that brings samples and no sound.
type Dead int

// What a microphone brings.
const (
	Alive Dead = iota // sound, or the noise of any microphone
	Zeros             // nothing but zeros
	Flat              // the same few codes on and on
)

// Silence finds out that a microphone brings what no live microphone brings. It
// is to hear the device's samples before any clean-up. Its zero value is ready,
// one goroutine uses it, and time is counted in samples.
//
// The noise of a live microphone moves its samples: Gaussian noise of -100 dBFS,
// less than any 16-bit converter makes, still leaves three neighbouring codes in
// every second. So a block of 10 ms is dead if all its samples lie within three
// codes. That its level is steady says nothing, as a test tone has one, and
// neither does a block that is like the one before, as that of a tone is.
//
// 1.2 s of dead blocks are named: Zeros if all samples are 0, as of a switch on
// the headset; Flat if none is, as of a loose plug: what a noise gate or noise
// suppression leaves lies around zero. Dead blocks around zero that are not all
// zeros are good noise suppression in a quiet room (-70 dBFS of noise comes out
// of SpeexDSP so), and named Flat after 10 s only. So are zeros of a microphone
// whose shorter silences ended by themselves three times: it has a noise gate,
// and its operator listens.
//
// Sound clears at once: 30 ms of it. A crackle of 10 ms does not.
type Silence struct {
	lo, hi int16 // of the block that is being filled
	fill   int

	// In dead blocks, since sound: all of them, and those up to now that are
	// all zeros, not all zeros, and without a zero.
	run, zeros, others, apart int

	sounding int  // up by two with each block of sound, down by one with each dead one
	closed   int  // times that a gate seems to have closed
	patience int  // blocks of a gate's silence until it is named; 0: gatedAfter
	kind     Dead // named
	gated    bool // kind was named with patience

	zeroTime, flatTime uint64
}

// Add listens to pcm, the newest samples in blocks of any size, and returns what
// the microphone is now.
func (s *Silence) Add(pcm []int16) Dead {
	for len(pcm) > 0 {
		n := min(len(pcm), blockSamples-s.fill)
		if s.fill == 0 {
			s.lo, s.hi = pcm[0], pcm[0]
		}
		for _, x := range pcm[:n] {
			s.lo, s.hi = min(s.lo, x), max(s.hi, x)
		}
		s.fill += n
		pcm = pcm[n:]
		if s.fill == blockSamples {
			s.fill = 0
			s.decide()
		}
	}
	return s.kind
}

// Forget makes the Silence that of another microphone: what was learned of this
// one's gate is no news of that. The times stay.
func (s *Silence) Forget() { *s = Silence{zeroTime: s.zeroTime, flatTime: s.flatTime} }

// Lasted returns for how many samples the microphone has been silent by now, if
// a silence is named.
func (s *Silence) Lasted() int {
	if s.kind == Alive {
		return 0
	}
	return s.run * blockSamples
}

// Times returns how many samples of silence were named so far, of each kind.
func (s *Silence) Times() (zeros, flat uint64) { return s.zeroTime, s.flatTime }

// decide takes the full block into account.
func (s *Silence) decide() {
	if int(s.hi)-int(s.lo) > flatSpan {
		s.sounding += soundAttack
		if s.sounding >= soundDeclared {
			s.sound()
		}
		return
	}
	s.sounding = max(s.sounding-1, 0)
	s.run++
	switch {
	case s.lo == 0 && s.hi == 0:
		s.zeros++
		s.others, s.apart = 0, 0
	case s.lo > 0 || s.hi < 0:
		s.apart++
		s.others++
		s.zeros = 0
	default:
		s.others++
		s.zeros, s.apart = 0, 0
	}
	s.name()
}

// sound ends a silence.
func (s *Silence) sound() {
	switch {
	case s.gated:
		s.patience = min(2*s.limit(), gatedAtMost)
	case s.kind == Alive && s.run >= gateCloses:
		s.closed = min(s.closed+1, gateEvidence)
	}
	s.sounding = soundDeclared // what follows need not be proven again
	s.run, s.zeros, s.others, s.apart = 0, 0, 0, 0
	s.kind, s.gated = Alive, false
}

// limit is the patience with what may be a gate.
func (s *Silence) limit() int { return max(s.patience, gatedAfter) }

// name decides which silence it is, and counts it.
func (s *Silence) name() {
	before := s.kind
	gated := s.closed >= gateEvidence
	switch {
	case s.apart >= namedAfter:
		s.kind, s.gated = Flat, false
	case s.zeros >= namedAfter && !gated:
		s.kind, s.gated = Zeros, false
	case s.zeros >= s.limit():
		s.kind, s.gated = Zeros, true
	case s.kind == Alive && s.run >= s.limit(), s.kind == Zeros && s.others >= s.limit():
		s.kind, s.gated = Flat, true
	}
	fresh := uint64(blockSamples)
	if before == Alive {
		fresh *= uint64(s.run)
	}
	switch s.kind {
	case Alive:
	case Zeros:
		s.zeroTime += fresh
	case Flat:
		s.flatTime += fresh
	}
}
