package playout

import (
	"callcenter/audio"
	"callcenter/audio/jitter"
)

const (
	// preroll is how much that passed unheard is decoded before what is heard
	// next: a decoder has found its way after 80 ms (RFC 7845, section 4.6).
	preroll = 80 * audio.Rate / 1000
	// prerollPackets is how many packets that is at most.
	prerollPackets = preroll/120 + 1
)

// skim keeps what was not decoded since nobody hears it. While that lasts
// everything else goes on as if it were: delay, target, corrections, concealment
// and all counters, on silence in the place of sound. When it is heard again the
// newest packets are decoded before the position goes on, so that the decoder,
// the concealment and what is already in the store are what they would have been.
type skim struct {
	on      bool
	packets [prerollPackets]packetCopy
	next    int  // where the next one goes
	held    int  // how many are held
	samples int  // of those held
	missed  bool // one before those held was never decoded

	past   [preroll]int16 // what passed unheard before it was heard again, at the end
	passed int            // samples of that
}

type packetCopy struct {
	data    []byte
	samples int
}

// add keeps a packet and forgets what is not needed before it.
func (s *skim) add(pkt *jitter.Packet) {
	if s.held == len(s.packets) {
		s.drop()
	}
	slot := &s.packets[s.next]
	slot.data = append(slot.data[:0], pkt.Data...)
	slot.samples = pkt.Samples
	s.next = (s.next + 1) % len(s.packets)
	s.held++
	s.samples += pkt.Samples
	for s.samples-s.oldest().samples >= preroll {
		s.drop()
	}
}

func (s *skim) oldest() *packetCopy {
	return &s.packets[(s.next+len(s.packets)-s.held)%len(s.packets)]
}

func (s *skim) drop() {
	s.samples -= s.oldest().samples
	s.held--
	s.missed = true
}

// clear forgets all: what comes next does not follow it.
func (s *skim) clear() {
	s.missed = s.missed || s.held > 0
	s.held, s.samples = 0, 0
}

// SetHeard says whether anybody hears what is pulled from now on; at first
// somebody does. What nobody hears is not decoded: behind what is decoded already
// Pull gives silence of the same kinds at the same times. Heard again it goes on
// with what is due, for the price of decoding the 80 ms before it.
func (p *Playout) SetHeard(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on == !p.skim.on {
		return
	}
	p.skim.on = !on
	if on {
		p.wake()
	}
}

// pass puts silence in the place of a packet.
func (p *Playout) pass(pkt *jitter.Packet) {
	if p.gapAhead {
		p.gapAhead = false
		p.skim.clear()
		p.skim.missed = true
	}
	p.skim.add(pkt)
	p.presumeGood()
	clear(p.pcm[p.end : p.end+pkt.Samples])
	p.stats.DecodedSamples += uint64(pkt.Samples)
	p.stats.UnheardSamples += uint64(pkt.Samples)
	p.frame = pkt.Samples
	p.end += pkt.Samples
}

// wake decodes what was kept. What of it is still to be played takes the place
// of the silence in the store; where that was stretched or shortened its end is
// right and its beginning is not heard.
func (p *Playout) wake() {
	s := &p.skim
	p.compact()
	at := p.end // behind the store's end is room: compact left less than 300 ms
	if c := s.oldest(); s.missed && s.held > 0 && at+c.samples+room <= store {
		p.prime(p.pcm[at:at+c.samples+room], c.data) // it heard nothing of what was dropped
	}
	for ; s.held > 0; s.drop() {
		c := s.oldest()
		end := at + c.samples + room
		if end > store {
			break
		}
		n, err := p.dec.Decode(p.pcm[at:end:end], c.data)
		if !p.decoded(err == nil && n > 0 && n <= c.samples+room) {
			n = c.samples
			clear(p.pcm[at : at+n])
		}
		at += n
	}
	s.clear()
	s.missed = false
	decoded := p.pcm[p.end:at]
	due := min(len(decoded), p.end-p.begin)
	passed := decoded[:len(decoded)-due]
	p.con.Played(passed)
	s.remember(passed)
	copy(p.pcm[p.end-due:p.end], decoded[len(passed):])
	// Slower looks at what was played: that too is real now.
	if before := min(len(passed), p.begin); due == p.end-p.begin {
		copy(p.pcm[p.begin-before:p.begin], passed[len(passed)-before:])
	}
}

// remember keeps the end of what passed unheard.
func (s *skim) remember(passed []int16) {
	s.passed = min(len(passed), preroll)
	copy(s.past[preroll-s.passed:], passed[len(passed)-s.passed:])
}

// Past copies what was before the position when it was last heard again to the end of
// dst, and returns how much: what passed unheard, up to 80 ms of it.
func (p *Playout) Past(dst []int16) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(dst), p.skim.passed)
	return copy(dst[len(dst)-n:], p.skim.past[preroll-n:])
}
