package cli

import (
	"log/slog"
	"sync"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/recall"
	"callcenter/softphone/internal/sound"
)

// choices are the ends that calls open: what --capture and --playback name, or,
// where they name nothing or the operator has chosen since, the devices that were
// chosen, the newest first. Its methods are safe for concurrent use.
type choices struct {
	store *recall.Store

	mu    sync.Mutex
	specs map[sound.Direction]string
}

func newChoices(cfg *config.Config, store *recall.Store) *choices {
	return &choices{store: store, specs: map[sound.Direction]string{sound.Capture: cfg.Capture, sound.Playback: cfg.Playback}}
}

// spec is what package sound is to open, "" if that is up to the devices chosen.
func (c *choices) spec(dir sound.Direction) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.specs[dir]
}

// prefer are the devices that were chosen.
func (c *choices) prefer(dir sound.Direction) []sound.Choice {
	list := c.store.Earpieces()
	if dir == sound.Capture {
		list = c.store.Microphones()
	}
	chosen := make([]sound.Choice, 0, len(list))
	for _, d := range list {
		chosen = append(chosen, sound.Choice{ID: d.ID, Name: d.Name})
	}
	return chosen
}

// Chosen is which of the listed devices a call would open by choice.
func (c *choices) Chosen(list []sound.Info, dir sound.Direction) (sound.Info, bool) {
	if spec := c.spec(dir); spec != "" {
		return sound.Find(list, dir, spec)
	}
	return sound.Choose(list, dir, c.prefer(dir))
}

// Choose takes a device for the calls that follow, whatever a flag says.
func (c *choices) Choose(d sound.Info) {
	c.mu.Lock()
	c.specs[d.Direction] = ""
	c.mu.Unlock()
	chosen := recall.Device{ID: d.ID, Name: d.Name}
	if d.Direction == sound.Capture {
		c.store.ChooseMicrophone(chosen)
	} else {
		c.store.ChooseEarpiece(chosen)
	}
}

// remembered opens what earlier runs have left.
func remembered(log *slog.Logger) (*recall.Store, error) {
	path, err := config.RecallFile()
	if err != nil {
		return nil, err
	}
	return recall.Open(path, log), nil
}

// gains are those to begin with: a setting wins over what is remembered.
func (p *program) gains(store *recall.Store) callstate.Gains {
	g := store.Gains()
	if p.cfg.Given("microphone-gain") {
		g.Microphone = p.cfg.MicrophoneGain
	}
	if p.cfg.Given("ear-volume") {
		g.Earpiece = p.cfg.EarVolume
	}
	return g
}
