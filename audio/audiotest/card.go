package audiotest

import (
	"math/rand/v2"
	"time"

	"callcenter/audio"
	"callcenter/audio/playout"
)

// Card is a sound card that pulls as its own clock goes.
type Card struct {
	// Samples is how much it pulls at once; 0: 10 ms.
	Samples int
	// Begin is when it pulls first.
	Begin time.Duration
	// Late is the most that a wake-up is early or late.
	Late time.Duration
	Seed uint64
}

// Tick is one pull: when it was due, what it gave, and the counters after it.
type Tick struct {
	At     time.Duration
	Pulled playout.Pulled
	Stats  playout.Stats
}

// Take is what a card played: all its ticks and their PCM in a row.
type Take struct {
	Ticks []Tick
	PCM   []int16
}

// Play feeds the arrivals to p and pulls until the time is over.
func (c Card) Play(p *playout.Playout, arrivals []Arrival, until time.Duration) Take {
	rnd := rand.New(rand.NewPCG(c.Seed, 4))
	var take Take
	samples := c.Samples
	if samples == 0 {
		samples = audio.PeriodSamples
	}
	for at := c.Begin; at < until; at += audio.Duration(samples) {
		now := at
		if c.Late > 0 {
			now += time.Duration(rnd.Int64N(int64(2*c.Late))) - c.Late
		}
		for len(arrivals) > 0 && arrivals[0].At <= now {
			p.Push(arrivals[0].Packet, arrivals[0].At)
			arrivals = arrivals[1:]
		}
		var pcm [audio.PeriodSamples]int16
		pulled := p.Pull(pcm[:samples], now)
		take.PCM = append(take.PCM, pcm[:samples]...)
		take.Ticks = append(take.Ticks, Tick{at, pulled, p.Stats()})
	}
	return take
}

// Between returns the ticks due in from <= At < to.
func (t Take) Between(from, to time.Duration) Take {
	var out Take
	for i, tick := range t.Ticks {
		if tick.At >= from && tick.At < to {
			out.Ticks = append(out.Ticks, tick)
			out.PCM = append(out.PCM, t.PCM[i*audio.PeriodSamples:(i+1)*audio.PeriodSamples]...)
		}
	}
	return out
}

// Last returns the last tick.
func (t Take) Last() Tick { return t.Ticks[len(t.Ticks)-1] }
