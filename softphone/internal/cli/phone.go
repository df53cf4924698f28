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

// newPhone returns the phone that the settings describe, as change leaves them,
// and opens what earlier runs have left.
func (p *program) newPhone(log *slog.Logger, change ...func(*phone.Config)) (*phone.Phone, error) {
	c, err := codec.NewRegistry(opus.Codec{}, pcm.Codec{}).Lookup(p.cfg.Codec)
	if err != nil {
		return nil, usageError{err}
	}
	store, err := remembered(log)
	if err != nil {
		return nil, err
	}
	p.store, p.choices = store, newChoices(&p.cfg, store)
	var ph *phone.Phone
	access, err := p.newAccess()
	if err != nil {
		return nil, err
	}
	access.Say = func(n callstate.Notice) { ph.Say(n) }
	if err := p.openHistory(log, func() { ph.DirectoryChanged() }); err != nil {
		return nil, err
	}
	ends := endpoints{choices: p.choices, periods: sound.NewPeriods(), log: log}
	if fixed := p.cfg.FixedPeriod(); fixed > 0 {
		ends.periods = sound.FixedPeriods(fixed)
	}
	if err := sound.Check(p.cfg.Capture, p.cfg.Playback); err != nil {
		return nil, usageError{err}
	}
	mic, err := sound.Parse(sound.Capture, p.cfg.Capture)
	if err != nil {
		return nil, usageError{err}
	}
	ear, err := sound.Parse(sound.Playback, p.cfg.Playback)
	if err != nil {
		return nil, usageError{err}
	}
	p.ends, p.codec, p.access = ends, c, access
	cfg := phone.Config{
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
		Favourites:  p.cfg.Favourites(),
		Contacts:    p.cfg.Contacts(),
		Sound:       ends,
		Connect:     access.Connect,
		Token:       access.Token,
		Log:         log,
		Ledger:      p.history,
	}
	for _, f := range change {
		f(&cfg)
	}
	ph = phone.New(cfg)
	return ph, nil
}

// endpoints opens the ends of calls, see choices.
type endpoints struct {
	choices *choices
	periods *sound.Periods
	log     *slog.Logger
}

func (e endpoints) options(dir sound.Direction) sound.Options {
	return sound.Options{Periods: e.periods, Prefer: e.choices.prefer(dir), Log: e.log}
}

func (e endpoints) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	s, err := sound.OpenCapture(ctx, e.choices.spec(sound.Capture), p, e.options(sound.Capture))
	if err != nil {
		return nil, fmt.Errorf("%w; --capture names another", err)
	}
	return s, nil
}

func (e endpoints) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	s, err := sound.OpenPlayback(ctx, e.choices.spec(sound.Playback), p, e.options(sound.Playback))
	if err != nil {
		return nil, fmt.Errorf("%w; --playback names another", err)
	}
	return s, nil
}
