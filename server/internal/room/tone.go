package room

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/tone"
)

const (
	toneHz   = 440
	toneDBFS = -20
)

// toneLeg plays a test tone and listens to nothing.
type toneLeg struct {
	speaker  *speaker
	source   audio.Source
	quit     chan struct{} // Leave closes it
	finished chan struct{} // the goroutine closes it

	received atomic.Uint64
	media    media
}

func (d *Directory) startTone(m Member, down Downlink) (Leg, error) {
	s, err := newSpeaker(d.cfg, m, down)
	if err != nil {
		return nil, err
	}
	source, err := tone.New(toneHz, toneDBFS)
	if err != nil {
		return nil, err
	}
	l := &toneLeg{
		speaker: s, source: source, media: media{codec: m.Format.Codec},
		quit: make(chan struct{}), finished: make(chan struct{}),
	}
	go l.run(d.cfg.Clock)
	return l, nil
}

// run plays until Leave.
func (l *toneLeg) run(clock audio.Clock) {
	defer close(l.finished)
	defer func() {
		if r := recover(); r != nil {
			l.speaker.down.Fail(panicked(r))
		}
	}()
	t := newTicker(clock, audio.Duration(l.speaker.coder.samples))
	for {
		_, _, anew, ok := t.wait(1, nil, l.quit)
		if !ok {
			return
		}
		if anew {
			l.speaker.anew()
		}
		for range l.speaker.coder.samples / audio.PeriodSamples {
			l.source.Fill(l.speaker.next())
			l.speaker.done(true)
		}
	}
}

// Push implements Leg; what is said is counted.
func (l *toneLeg) Push(_ context.Context, u Uplink) Downlink {
	switch {
	case len(u.Frame.Data) == 0:
	case u.Playable:
		l.received.Add(1)
		l.media.good()
	default:
		if err := l.media.bad(); err != nil {
			l.speaker.down.Fail(err)
		}
	}
	return nil
}

// Resumed implements Leg.
func (l *toneLeg) Resumed() { l.speaker.resumed.Store(true) }

// SetOneWay implements Leg; nobody listens.
func (l *toneLeg) SetOneWay(time.Duration) {}

// Stats implements Leg.
func (l *toneLeg) Stats() Stats {
	return Stats{Received: l.received.Load(), Malformed: l.media.malformed.Load()}
}

// Leave implements Leg.
func (l *toneLeg) Leave() {
	close(l.quit)
	<-l.finished
}

// panicError is a panic in a goroutine of a room, with its stack.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in a room: %v", e.value) }

// Stack returns the stack of the goroutine that panicked.
func (e *panicError) Stack() []byte { return e.stack }
