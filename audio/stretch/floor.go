package stretch

const (
	blockSamples = 480 // analysed at once, 10 ms
	pieceBlocks  = 10  // in a piece of 100 ms
	pieceCount   = 100 // remembered, 10 s
	quietPieces  = 4   // make the background, 400 ms

	// With less heard than this, the quietest may be speech.
	sureAfter = 10 // pieces, 1 s

	// What is louder than -45 dBFS at its quietest is hardly a background: the
	// louder it is, the quieter the noise, and from -20 dBFS there is none.
	loudestRMS = 184.2
	noneRMS    = 10.36 // -70 dBFS

	// The quietest of many pieces are quieter than the mean of the same noise,
	// by this factor of power where it has the bandwidth of room noise.
	quietBias = 1.12
	// In a noise, the quietest 20 ms have at least a quarter of the power. In
	// speech they have less, and are nearer to what is behind it.
	leastShare = 0.25
)

// floor learns the background of what it hears: the spectrum and the level of
// the quietest 400 ms, in pieces of 100 ms wherever they were, of the last 10 s.
// Where those are speech, for lack of pauses, the shortest dips between words
// give the level. Minimum statistics after Martin (2001), of whole spectra
// instead of bands.
//
// Each 10 ms cost about the same, 5 us.
type floor struct {
	block  [blockSamples]int16
	filled int // of block
	last   float64
	now    piece // the one that is being heard
	blocks int   // in it
	pieces [pieceCount]piece
	heard  int // pieces, ever

	quietest autocorrelation // of the quietest pieces
	power    float64         // of the noise to make of it
}

type piece struct {
	auto  autocorrelation
	least float64 // power of its quietest 20 ms
}

// hear learns from pcm, which follows what was heard before, and reports that
// what is known changed.
func (f *floor) hear(pcm []int16) (changed bool) {
	for len(pcm) > 0 {
		n := copy(f.block[f.filled:], pcm)
		pcm = pcm[n:]
		f.filled += n
		if f.filled == blockSamples {
			f.filled = 0
			changed = f.analyse() || changed
		}
	}
	return changed
}

// analyse takes a block into its piece, and reports that the piece is complete
// and what is known changed.
func (f *floor) analyse() bool {
	before := f.now.auto[0]
	f.now.auto.add(f.block[:], 1.0/pieceBlocks)
	power := (f.now.auto[0] - before) * pieceBlocks
	if pair := (f.last + power) / 2; f.blocks <= 1 || pair < f.now.least {
		f.now.least = pair // the first block of a piece has no other before it
	}
	f.last = power
	if f.blocks++; f.blocks < pieceBlocks {
		return false
	}
	f.pieces[f.heard%pieceCount] = f.now
	f.heard++
	f.now, f.blocks = piece{}, 0
	if f.heard >= sureAfter {
		f.decide()
	}
	return true
}

// cut says that what is heard next does not follow what was heard.
func (f *floor) cut() { f.filled = 0 }

// decide takes the mean of the quietest pieces.
func (f *floor) decide() {
	var least float64
	for _, i := range f.lowest(func(p *piece) float64 { return p.least }) {
		least += f.pieces[i].least / quietPieces
	}
	f.quietest = autocorrelation{}
	for _, i := range f.lowest(func(p *piece) float64 { return p.auto[0] }) {
		for k := range f.quietest {
			f.quietest[k] += f.pieces[i].auto[k] / quietPieces
		}
	}
	f.power = min(quietBias*f.quietest[0], least/leastShare)
	if above := f.power / (loudestRMS * loudestRMS); above > 1 {
		f.power /= above * above
		if f.power < noneRMS*noneRMS {
			f.power = 0
		}
	}
}

// lowest returns which pieces have the least of something.
func (f *floor) lowest(of func(*piece) float64) (which [quietPieces]int) {
	found := 0 // in rising order
	for i := range f.pieces[:min(f.heard, pieceCount)] {
		at := found
		for at > 0 && of(&f.pieces[i]) < of(&f.pieces[which[at-1]]) {
			at--
		}
		if at < quietPieces {
			found = min(found+1, quietPieces)
			copy(which[at+1:found], which[at:])
			which[at] = i
		}
	}
	return which
}

// below reports that power is about that of the background or less.
func (f *floor) below(power float64) bool { return power <= 2*f.power && f.power > 0 }
