package call

import (
	"context"
	"time"

	"callcenter/audio"
	"callcenter/audio/playout"
)

// pull is how much the ear asks the playout for at once: 5 ms. It is what waits
// in the playback port beyond its need at most.
const pull = audio.PeriodSamples / 2

// ear keeps the playback port filled to its low-water mark, woken by the sound
// card, and stays live while there is none. After the last chunk it plays what is
// left and returns: the end of the call is heard in farewell.
func (c *Call) ear(ctx context.Context) error {
	pcm := make([]int16, pull)
	loop := &loopProbe{}
	deaf := newDeafness()
	defer deaf.timer.Stop()
	var drained <-chan time.Time
	downDone, ending := c.downDone, c.ending
	over := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-drained:
			return nil
		case <-ending:
			if c.hungUp.Load() {
				c.cfg.Playback.Finish()
				return nil
			}
			ending = nil
		case <-downDone:
			downDone, over = nil, true
			drained = time.After(drainLimit)
		case <-deaf.timer.C:
			c.playUnheard(deaf, pcm)
			if !over {
				continue
			}
		case <-c.cfg.Playback.Wanted():
			c.wanted(deaf, loop)
		}
		c.measureLoop(loop)
		if over && c.train.Empty() && c.playout.Drained() {
			c.cfg.Playback.Finish()
			if c.cfg.Playback.Buffered() == 0 {
				return nil
			}
			continue
		}
		c.fill(pcm, loop)
	}
}

// fill pulls as often as the next callbacks may need.
func (c *Call) fill(pcm []int16, loop *loopProbe) {
	for c.cfg.Playback.Buffered() < c.cfg.Playback.LowWater() {
		now := c.cfg.Clock()
		ahead := audio.Duration(c.cfg.Playback.Buffered())
		c.playout.SetAhead(ahead)
		c.train.Release(now, c.play)
		pulled := c.playout.Pull(pcm, now+ahead)
		made := c.cfg.Clock()
		c.figures.decode.add(made - now)
		c.figures.earLate.add(made-now, made)
		c.hold.hush(pcm)
		c.volume.process(pcm)
		c.cues.Mix(pcm, now)
		if c.protect != nil {
			c.protect.Process(pcm)
		}
		c.earMeter.Add(pcm, now)
		pos, n := c.cfg.Playback.Write(pcm)
		c.figures.ahead.add(ahead)
		s := c.playout.Stats()
		c.figures.rated.heard(&s, c.isRated())
		c.figures.arrived(&s)
		if pulled.Media >= 0 {
			// What was played before a link slowed down came sooner than the fastest
			// packet of now could have.
			c.figures.buffer.add(max(0, s.Delay))
			if sent, ok := c.hear.sentAs(pulled.Epoch); ok && sent == c.turn.epoch.Load() {
				loop.expect(pos, pulled)
			}
		}
		if n < len(pcm) {
			return
		}
	}
}

// loopProbe matches what is played with when it was captured, one sample in
// each period.
type loopProbe struct {
	waiting     [16]probe
	first, next int
}

type probe struct {
	played uint64 // place on the playback clock
	media  int64  // place on the capture clock
}

func (l *loopProbe) expect(pos uint64, p playout.Pulled) {
	if l.next-l.first == len(l.waiting) {
		l.first++
	}
	l.waiting[l.next%len(l.waiting)] = probe{pos, p.Media}
	l.next++
}

// measureLoop enters the loop delay of every probe that the playback callback
// took meanwhile. What plays at a media position was captured before it, by the
// encoder's look-ahead and what the clean-up holds back.
func (c *Call) measureLoop(l *loopProbe) {
	if c.cfg.Destination != echo {
		l.first = l.next
		return
	}
	for l.first < l.next {
		p := l.waiting[l.first%len(l.waiting)]
		taken, ok := c.cfg.Playback.TakenAt(p.played)
		if !ok {
			return
		}
		l.first++
		media := p.media - int64(c.enc.Lookahead()) - c.figures.cleanUp.Load()
		if media < 0 {
			continue
		}
		if captured, ok := c.cfg.Capture.DeliveredAt(uint64(media)); ok && taken > captured {
			c.figures.loop.add(taken - captured)
		}
	}
}
