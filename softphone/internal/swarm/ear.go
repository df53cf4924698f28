package swarm

import (
	"fmt"
	"math"
	"time"

	"callcenter/audio"
	"callcenter/codec"
)

const (
	// maxEars is how many calls decode, the first and the last of a room.
	maxEars = 32

	markSamples = audio.Rate / 100 // of the window that finds a change of tone
	hopSamples  = audio.Rate / 400
	// holdHops is for how many windows a change must hold, 20 ms: where audio is
	// spliced, as a server's buffer does to shorten it, both frequencies sound for
	// less.
	holdHops    = 8
	checkLength = audio.Rate / 5 // of the window that verifies who is heard

	// present and absent are the amplitudes of a tone that is heard and of one
	// that is not, as shares of what it was made with: -12 and -20 dB. The codec
	// adds and takes some at low bitrates; a mix that is wrong is off by far more.
	present, absent = 0.25, 0.1
	// standsOut is how much louder than the noise around it a tone is, as amplitude:
	// 12 dB. What others than the swarm say in its rooms may be noise.
	standsOut = 4

	// A second of what is heard is changing in its first part, by the delay, and
	// verified in the second.
	steadyFrom, steadyUntil = 450 * time.Millisecond, 750 * time.Millisecond
)

// goertzel returns the squared amplitude of a frequency in pcm; 1 is full scale.
// The window is a whole number of periods. G. Goertzel, "An Algorithm for the
// Evaluation of Finite Trigonometric Series", Amer. Math. Monthly 65 (1958).
func goertzel(pcm []int16, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/audio.Rate)
	var a, b float64
	for _, s := range pcm {
		a, b = float64(s)+k*a-b, a
	}
	n := float64(len(pcm)) * math.MaxInt16 / 2
	return (a*a + b*b - k*a*b) / (n * n)
}

// flip finds when a talker changes from one of its frequencies to the other.
type flip struct {
	tone    tone
	loud    float64 // squared amplitude of what is loud enough to judge
	side    int     // 1: the first frequency, 2: the second, 0: not known
	next    int     // what it may have become
	hops    int     // for so many windows in a row
	share   float64 // of the second, in the last window
	crossed time.Duration
}

// add takes the next window, whose middle is at a time, and reports a change: to
// which side, and when.
func (f *flip) add(window []int16, at time.Duration) (when time.Duration, side int) {
	first, second := goertzel(window, f.tone[0]), goertzel(window, f.tone[1])
	if first+second < f.loud {
		f.side, f.hops = 0, 0
		return 0, 0
	}
	share := second / (first + second)
	if (share < 0.5) != (f.share < 0.5) {
		part := (share - 0.5) / (share - f.share) // of the hop, still to go
		f.crossed = at - time.Duration(part*float64(audio.Duration(hopSamples)))
	}
	f.share = share
	now := 0
	switch {
	case share < 0.2:
		now = 1
	case share > 0.8:
		now = 2
	}
	if now == 0 || now == f.side {
		f.hops = 0
		return 0, 0
	}
	if now != f.next {
		f.next, f.hops = now, 0
	}
	if f.hops++; f.hops < holdHops {
		return 0, 0
	}
	was := f.side
	f.side, f.hops = now, 0
	if was == 0 {
		return 0, 0
	}
	return f.crossed, now
}

// ear decodes what a call hears and verifies it. One goroutine uses it; it does
// not allocate unless something is wrong.
type ear struct {
	swarm  *swarm
	number int // of the room
	room   *room
	dec    codec.Decoder
	own    int // tone, or -1
	heard  float64

	others []talker
	silent []int // tones that nobody may hear here

	pcm  [codec.MaxSamples]int16
	mark []int16 // the last 10 ms, and what is not yet judged

	check []int16 // what was collected to be verified
	done  bool    // in this second
}

// talker is who may be heard, and since when its loop runs.
type talker struct {
	flip  flip
	found found
	start time.Duration
	last  time.Duration // when a change of it was heard; 0: none yet
}

func newEar(s *swarm, own, number int, scores *scores) (*ear, error) {
	cfg := &s.cfg
	dec, err := cfg.Codec.NewDecoder(format(cfg))
	if err != nil {
		return nil, err
	}
	e := &ear{
		swarm: s, number: number, room: s.rooms[number], dec: dec, own: own, heard: scores.heard,
		mark:  make([]int16, 0, markSamples+codec.MaxSamples),
		check: make([]int16, 0, checkLength),
	}
	there := make(map[int]bool)
	for place := range cfg.Talkers {
		i, t := number+place*cfg.Rooms, toneOf(number, place)
		if i >= cfg.Calls {
			break
		}
		if there[t] = true; t != own {
			e.others = append(e.others, talker{flip: newFlip(tones[t], e.heard), found: scores.found[t], start: s.base + s.wheel.phase(i)})
		}
	}
	for t := range tones {
		if !there[t] || t == own {
			e.silent = append(e.silent, t)
		}
	}
	return e, nil
}

func newFlip(t tone, heard float64) flip {
	return flip{tone: t, loud: heard * present * heard * present}
}

// gap says that something is missing before what is heard next.
func (e *ear) gap() {
	if e == nil {
		return
	}
	e.mark, e.check = e.mark[:0], e.check[:0]
	for i := range e.others {
		f := &e.others[i].flip
		f.side, f.hops = 0, 0
	}
}

// rest says that what came was verified otherwise, or is about to be again.
func (e *ear) rest() {
	if e == nil {
		return
	}
	e.gap()
	for i := range e.others {
		e.others[i].last = 0
	}
}

// hear takes a frame that arrived at now.
func (e *ear) hear(packet []byte, now time.Duration) {
	n, err := e.dec.Decode(e.pcm[:], packet)
	if err != nil {
		e.swarm.tally.fail("room %d: what is heard cannot be decoded: %v", e.number+1, err)
		e.gap()
		return
	}
	if e.follow(e.pcm[:n], now) {
		e.check = e.check[:0] // a change is no steady tone
	}
	e.collect(e.pcm[:n], now)
}

// follow looks for changes of tone in the next samples, which begin at now, and
// reports whether there were any.
func (e *ear) follow(pcm []int16, now time.Duration) (changed bool) {
	held := len(e.mark)
	e.mark = append(e.mark, pcm...)
	at := 0
	for ; at+markSamples <= len(e.mark); at += hopSamples {
		middle := now + audio.Duration(at+markSamples/2) - audio.Duration(held)
		for i := range e.others {
			t := &e.others[i]
			if when, side := t.flip.add(e.mark[at:at+markSamples], middle); side != 0 {
				changed = true
				e.measured(t, when, side)
			}
		}
	}
	e.mark = e.mark[:copy(e.mark, e.mark[at:])]
	return changed
}

// measured counts the delay of a change that was heard.
func (e *ear) measured(t *talker, when time.Duration, side int) {
	if !e.swarm.tally.measuring.Load() {
		return
	}
	if t.last > 0 && e.swarm.cfg.Talkers <= e.swarm.cfg.Speakers {
		e.swarm.tally.missed.Add(uint64(max(0, (when-t.last+time.Second/2)/time.Second-1)))
	}
	t.last = when
	since := when - t.found[side-1] - t.start
	if side == 2 {
		since -= audio.Duration(flipSamples)
	}
	// Nothing is heard before it was said: just under a whole loop is the
	// detector's error.
	const loop = loopSamples / audio.Rate * time.Second
	if since %= loop; since > loop-50*time.Millisecond {
		since -= loop
	}
	e.swarm.tally.added.add(since)
}

// collect gathers the steady middle of each second and verifies it.
func (e *ear) collect(pcm []int16, now time.Duration) {
	switch place := (now - e.swarm.base) % time.Second; {
	case place < steadyFrom:
		e.done, e.check = false, e.check[:0]
		return
	case e.done, len(e.check) == 0 && place > steadyUntil:
		return
	}
	e.check = append(e.check, pcm[:min(len(pcm), cap(e.check)-len(e.check))]...)
	if len(e.check) == cap(e.check) {
		e.done = true
		e.verify(now)
		e.check = e.check[:0]
	}
}

// verify checks who is heard in a steady window that ends at now. Too many are
// those in both its halves: where the floor changes hands, one is heard in the
// first and another in the second.
func (e *ear) verify(now time.Duration) {
	t := &e.swarm.tally
	if !t.measuring.Load() {
		return
	}
	if t.atFault(now) {
		t.unjudged.Add(1)
		return
	}
	need, heard, together := e.need(), 0, 0
	for i := range e.others {
		voice, half := e.others[i].flip.tone, len(e.check)/2
		if e.amplitude(voice, e.check) >= present {
			heard++
		}
		if e.amplitude(voice, e.check[:half]) >= present && e.amplitude(voice, e.check[half:]) >= present {
			together++
		}
	}
	right := true
	switch most := e.swarm.cfg.Speakers; {
	case heard < need:
		right = false
		t.fail("room %d: %d of at least %d talkers are heard", e.number+1, heard, need)
	case together > most:
		right = false
		t.fail("room %d: %d talkers are heard at a time, and at most %d may be (is --speakers the server's?)", e.number+1, together, most)
	}
	for _, i := range e.silent {
		if a := e.amplitude(tones[i], e.check); a >= absent && a >= standsOut*e.noise(tones[i]) {
			right = false
			who := "of another room"
			if i == e.own {
				who = "of the listener"
			}
			t.fail("room %d: a tone %s is heard, %.0f dB", e.number+1, who, 20*math.Log10(a))
		}
	}
	if right {
		t.windows.Add(1)
	}
}

// need is how many talkers must be heard: of those who are there as many as the
// server lets be heard, and a talker may be one of them.
func (e *ear) need() int {
	others, speakers := int(e.room.talking.Load()), e.swarm.cfg.Speakers
	if e.own >= 0 {
		others, speakers = others-1, speakers-1
	}
	return max(0, min(others, speakers))
}

// amplitude is how loud a tone is in a window, as a share of what it should be.
func (e *ear) amplitude(t tone, window []int16) float64 {
	return math.Sqrt(goertzel(window, t[0])+goertzel(window, t[1])) / e.heard
}

// noise is how loud a tone would be heard in the window if all there is were noise:
// what is at its sides, where no tone is.
func (e *ear) noise(t tone) float64 {
	sum := 0.0
	for _, hz := range t {
		for _, aside := range [...]float64{-50, -30, 30, 50} {
			sum += goertzel(e.check, hz+aside)
		}
	}
	return math.Sqrt(sum/4) / e.heard
}

// calibrate finds how late the detector is for each tone.
func (s *scores) calibrate(cfg *Config) error {
	for i, t := range tones {
		dec, err := cfg.Codec.NewDecoder(format(cfg))
		if err != nil {
			return err
		}
		pcm, err := play(dec, s.talkers[i])
		if err != nil {
			return err
		}
		if err := s.found[i].search(newFlip(t, s.heard), pcm); err != nil {
			return fmt.Errorf("%g and %g Hz: %w", t[0], t[1], err)
		}
	}
	return nil
}

// play decodes two rounds of a loop and half of a third.
func play(dec codec.Decoder, s *score) ([]int16, error) {
	pcm, n := make([]int16, 5*loopSamples/2+codec.MaxSamples), 0
	for i := range 5 * len(s.packets) / 2 {
		m, err := dec.Decode(pcm[n:], s.packets[i%len(s.packets)])
		if err != nil {
			return nil, err
		}
		n += m
	}
	return pcm[:n], nil
}

// search looks for both changes in the second round and what follows.
func (d *found) search(f flip, pcm []int16) error {
	seen := 0
	for at := loopSamples + flipSamples/2; at+markSamples <= len(pcm); at += hopSamples {
		switch when, side := f.add(pcm[at:at+markSamples], audio.Duration(at+markSamples/2)); side {
		case 2:
			d[1] = when - audio.Duration(loopSamples+flipSamples)
			seen++
		case 1:
			d[0] = when - audio.Duration(2*loopSamples)
			seen++
		}
	}
	if seen != len(d) {
		return errLoop
	}
	return nil
}
