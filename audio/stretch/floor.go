package stretch

const (
	blockSamples = 480 // analysed at once, 10 ms
	pieceBlocks  = 10  // in a piece of 100 ms
	pieceCount   = 100 // remembered, 10 s
	levelPieces  = 4   // the quietest give the level,
	shapePieces  = 10  // and the quietest 20 ms of a tenth of them the spectrum

	// Room noise is loudest where it is heard least. What is quiet is decided
	// without those lowest tones: by x[i] - 0.95 x[i-1].
	emphasis = 0.95

	// With less heard than this, the quietest may be speech.
	sureAfter = 10 // pieces, 1 s

	// The noise is never louder than -45 dBFS. What is louder than -38 dBFS at its
	// quietest is hardly a background: the louder that is, the quieter the noise,
	// and from -20 dBFS there is none.
	loudest  = 184.2 * 184.2
	doubtful = 412.5 * 412.5
	tooLoud  = 3277.0 * 3277.0

	// The quietest of many pieces are quieter than the mean of the same noise,
	// by this factor of power where it has the bandwidth of room noise.
	quietBias = 1.06
	// In a noise, the quietest 20 ms have at least a quarter of the power. In
	// speech they have less, and are nearer to what is behind it.
	leastShare = 0.25
)

// floor learns the background of what it hears: the spectrum of the quietest
// 200 ms of the last 10 s, in bits of 20 ms wherever they were, and the level of
// the quietest 400 ms, in bits of 100 ms. Where those are speech, for lack of
// pauses, the dips between words give the level. Minimum statistics after Martin
// (2001), of whole spectra instead of bands.
//
// Each 10 ms cost about the same, 5 us.
type floor struct {
	block  [blockSamples]float64
	filled int // of block
	last   bit // the block before
	now    piece
	blocks int // in now
	pieces [pieceCount]piece
	heard  int // pieces, ever

	quietest bit // the spectrum; its level is that of the noise to make of it
}

// bit is what is known of some samples.
type bit struct {
	auto autocorrelation
	high float64 // power without the lowest tones
}

func (b *bit) add(other *bit, weight float64) {
	for k, r := range other.auto {
		b.auto[k] += weight * r
	}
	b.high += weight * other.high
}

type piece struct {
	high  float64 // power without the lowest tones
	least bit     // its quietest 20 ms
}

// hear learns from pcm, which follows what was heard before, and reports that
// what is known changed.
func (f *floor) hear(pcm []int16) (changed bool) {
	for _, v := range pcm {
		f.block[f.filled] = float64(v)
		if f.filled++; f.filled == blockSamples {
			f.filled = 0
			changed = f.analyse() || changed
		}
	}
	return changed
}

// cut says that what is heard next does not follow what was heard.
func (f *floor) cut() { f.filled = 0 }

// analyse takes a block into its piece, and reports that the piece is complete
// and what is known changed.
func (f *floor) analyse() bool {
	var b bit
	for i := 1; i < blockSamples; i++ {
		x := f.block[i] - emphasis*f.block[i-1]
		b.high += x * x / (blockSamples - 1)
	}
	b.auto = correlate(f.block[:])
	f.now.high += b.high / pieceBlocks
	f.blocks++
	// The first block of a piece has no other before it.
	if pair := f.last.high + b.high; f.blocks == 2 || f.blocks > 2 && pair < 2*f.now.least.high {
		f.now.least = bit{}
		f.now.least.add(&f.last, 0.5)
		f.now.least.add(&b, 0.5)
	}
	f.last = b
	if f.blocks < pieceBlocks {
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

// decide says what the background is like.
func (f *floor) decide() {
	var which [shapePieces]int
	var mean float64
	for _, i := range f.lowest(which[:levelPieces], func(p *piece) float64 { return p.high }) {
		mean += f.pieces[i].high / levelPieces
	}
	var dips, shape bit
	quiet := which[:min(f.heard, pieceCount)*shapePieces/pieceCount]
	for n, i := range f.lowest(quiet, func(p *piece) float64 { return p.least.high }) {
		shape.add(&f.pieces[i].least, 1)
		if n < levelPieces {
			dips.add(&f.pieces[i].least, 1)
		}
	}
	f.quietest = bit{}
	if shape.high == 0 {
		return // digital silence
	}
	least := dips.high / float64(min(len(quiet), levelPieces))
	scale := min(quietBias*mean, least/leastShare) / shape.high
	power := scale * shape.auto[0]
	if power < tooLoud {
		doubt := max(1, power/doubtful)
		f.quietest.add(&shape, scale*min(1, loudest/power)/(doubt*doubt))
	}
}

// lowest fills which with the pieces that have the least of something, in rising
// order.
func (f *floor) lowest(which []int, of func(*piece) float64) []int {
	found := 0
	for i := range f.pieces[:min(f.heard, pieceCount)] {
		at := found
		for at > 0 && of(&f.pieces[i]) < of(&f.pieces[which[at-1]]) {
			at--
		}
		if at < len(which) {
			found = min(found+1, len(which))
			copy(which[at+1:found], which[at:])
			which[at] = i
		}
	}
	return which[:found]
}

// below reports that power is about that of the background or less.
func (f *floor) below(power float64) bool {
	return power <= 2*f.quietest.auto[0] && f.quietest.auto[0] > 0
}
