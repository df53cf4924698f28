package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/softphone/internal/sound"
)

const (
	// earStuck is how long an earpiece may take nothing.
	earStuck = 3 * time.Second
	// earTail is how long it stays open after all was handed to it.
	earTail = 300 * time.Millisecond
)

// listen plays pcm to --playback, protected as a call's ear is, until its end or
// that of ctx.
func (p *program) listen(ctx context.Context, pcm []int16) (err error) {
	log, err := openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	store, err := remembered(log.Logger)
	if err != nil {
		return err
	}
	out := port.NewPlayback(audio.NewClock())
	ends := endpoints{choices: newChoices(&p.cfg, store), periods: sound.NewPeriods(), log: log.Logger}
	ear, err := ends.OpenPlayback(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ear.Close()) }()
	if p.cfg.EarProtection {
		protect.New(p.cfg.EarCeiling).Process(pcm)
	}
	fillPort(out, &pcm)
	if err := ear.Start(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ear.Lost():
			return fmt.Errorf("the earpiece stopped: %w", ear.Err())
		case n := <-ear.Changed():
			_, _ = fmt.Fprintln(p.stderr, n.Text)
		case <-time.After(earStuck):
			return errors.New("the earpiece takes nothing: --playback names another")
		case <-out.Wanted():
			fillPort(out, &pcm)
			if len(pcm) > 0 || out.Buffered() > 0 {
				continue
			}
			select {
			case <-ctx.Done():
			case <-time.After(earTail):
			}
			return nil
		}
	}
}

// fillPort writes as much as the next callbacks may want, and takes it off pcm.
func fillPort(out *port.Playback, pcm *[]int16) {
	for len(*pcm) > 0 && out.Buffered() < out.LowWater() {
		_, n := out.Write((*pcm)[:min(len(*pcm), audio.PeriodSamples)])
		*pcm = (*pcm)[n:]
		if n == 0 {
			return
		}
	}
	if len(*pcm) == 0 {
		out.Finish()
	}
}
