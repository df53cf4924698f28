package cli

import (
	"context"
	"fmt"
	"log/slog"

	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// newPhone returns the phone that the settings describe.
func (p *program) newPhone(log *slog.Logger) (*phone.Phone, error) {
	c, err := codec.NewRegistry(opus.Codec{}, pcm.Codec{}).Lookup(p.cfg.Codec)
	if err != nil {
		return nil, usageError{err}
	}
	ends := endpoints{capture: p.cfg.Capture, playback: p.cfg.Playback, periods: sound.NewPeriods(), log: log}
	if fixed := p.cfg.FixedPeriod(); fixed > 0 {
		ends.periods = sound.FixedPeriods(fixed)
	}
	if err := sound.Check(ends.capture, ends.playback); err != nil {
		return nil, usageError{err}
	}
	mic, err := sound.Parse(sound.Capture, ends.capture)
	if err != nil {
		return nil, usageError{err}
	}
	ear, err := sound.Parse(sound.Playback, ends.playback)
	if err != nil {
		return nil, usageError{err}
	}
	return phone.New(phone.Config{
		Servers:     p.cfg.Servers,
		Destination: p.cfg.Dest,
		DisplayName: p.cfg.Name,
		Codec:       c,
		Options:     p.cfg.Options(),
		DTX:         p.cfg.DTX,
		CleanUp:     p.cfg.CleanUp(mic.Kind == sound.Device),
		Unprotected: !p.cfg.EarProtection,
		EarCeiling:  p.cfg.EarCeiling,
		Complete:    p.cfg.Playout == config.Complete,
		Sounds:      p.cfg.OwnSounds(ear.Kind == sound.Device),
		JoinTones:   p.cfg.JoinTones,
		Gains:       callstate.Gains{Microphone: p.cfg.MicrophoneGain, Earpiece: p.cfg.EarVolume},
		TalkLimit:   p.cfg.TalkLimit,
		Sound:       ends,
		Connect:     phone.Connect,
		Log:         log,
	}), nil
}

// endpoints opens what --capture and --playback name.
type endpoints struct {
	capture, playback string
	periods           *sound.Periods
	log               *slog.Logger
}

func (e endpoints) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	s, err := sound.OpenCapture(ctx, e.capture, p, sound.Options{Periods: e.periods, Log: e.log})
	if err != nil {
		return nil, fmt.Errorf("%w; --capture names another", err)
	}
	return s, nil
}

func (e endpoints) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	s, err := sound.OpenPlayback(ctx, e.playback, p, sound.Options{Periods: e.periods, Log: e.log})
	if err != nil {
		return nil, fmt.Errorf("%w; --playback names another", err)
	}
	return s, nil
}
