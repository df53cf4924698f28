// Package pace clocks what has no clock of its own: it moves a period of 10 ms
// from a source to a capture port, or from a playback port to a sink, every
// 10 ms, as a sound card's callback would. Files, generators and the null
// device are driven by it.
//
// Deadlines are absolute, so lateness never adds up. After a late wake-up the
// missed periods are moved 1 ms apart instead of at once: the goroutine at the
// other side of the port is late for the same reason and needs a moment for
// each. A pacer that is more than a second behind (a suspended machine) starts
// anew from now and counts what it left out.
package pace

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

const (
	// maxBehind is how much missed time is caught up.
	maxBehind = time.Second
	// catchUpGap is the least time between two periods.
	catchUpGap = time.Millisecond
)

// Stats are the counts of a Pacer since it was made.
type Stats struct {
	Periods   uint64 // periods moved
	Late      uint64 // times it fell more than 10 ms behind; catching up is part of it
	Reanchors uint64 // times it was more than a second behind and started anew
	Skipped   uint64 // periods left out by that
}

// Pacer is a clock of 10 ms that counts its own lateness. Its zero value is
// ready. One Run at a time uses it; Stats is for any goroutine.
type Pacer struct {
	periods, late, reanchors, skipped atomic.Uint64
}

// RunCapture runs a Pacer of its own; see Pacer.RunCapture.
func RunCapture(ctx context.Context, src audio.Source, p *port.Capture) error {
	var pacer Pacer
	return pacer.RunCapture(ctx, src, p)
}

// RunPlayback runs a Pacer of its own; see Pacer.RunPlayback.
func RunPlayback(ctx context.Context, sink audio.Sink, p *port.Playback) error {
	var pacer Pacer
	return pacer.RunPlayback(ctx, sink, p)
}

// RunCapture delivers 480 samples of src to p every 10 ms, the first after
// 10 ms, until ctx ends, and then returns nil. It does not close src.
func (p *Pacer) RunCapture(ctx context.Context, src audio.Source, to *port.Capture) error {
	buf := make([]int16, audio.PeriodSamples)
	return p.run(ctx, func() error {
		src.Fill(buf)
		to.Deliver(buf)
		return nil
	})
}

// RunPlayback takes 480 samples from p every 10 ms, the first after 10 ms, and
// writes them to sink, until ctx ends, and then returns nil; what still waits
// in p stays there. It returns early with the error of a write that failed. It
// does not close sink.
func (p *Pacer) RunPlayback(ctx context.Context, sink audio.Sink, from *port.Playback) error {
	buf := make([]int16, audio.PeriodSamples)
	return p.run(ctx, func() error {
		from.Take(buf)
		if err := sink.Write(buf); err != nil {
			return fmt.Errorf("write playback: %w", err)
		}
		return nil
	})
}

// Stats returns the counts so far.
func (p *Pacer) Stats() Stats {
	return Stats{
		Periods:   p.periods.Load(),
		Late:      p.late.Load(),
		Reanchors: p.reanchors.Load(),
		Skipped:   p.skipped.Load(),
	}
}

// run calls move once for every 10 ms that pass, until ctx ends.
func (p *Pacer) run(ctx context.Context, move func() error) error {
	due := time.Now().Add(audio.Period)
	behind := false
	timer := time.NewTimer(audio.Period)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := time.Now()
		by := now.Sub(due)
		if by > audio.Period && !behind {
			p.late.Add(1)
		}
		behind = by > audio.Period
		if by > maxBehind {
			p.reanchors.Add(1)
			p.skipped.Add(uint64(by / audio.Period))
			due = now
		}
		if err := move(); err != nil {
			return err
		}
		p.periods.Add(1)
		due = due.Add(audio.Period)
		timer.Reset(max(time.Until(due), catchUpGap))
	}
}
