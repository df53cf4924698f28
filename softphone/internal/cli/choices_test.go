package cli

import (
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/recall"
	"callcenter/softphone/internal/sound"
)

// configured is a program with those flags, and what it remembers.
func configured(t *testing.T, args ...string) (*program, *recall.Store) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	p := &program{}
	fs := pflag.NewFlagSet("softphone", pflag.ContinueOnError)
	p.cfg.Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := p.cfg.Load(fs); err != nil {
		t.Fatal(err)
	}
	return p, recall.Open(filepath.Join(t.TempDir(), "recall.json"), nil)
}

func TestAChoiceOnTheScreenWinsOverAFlagAndAFlagOverWhatIsRemembered(t *testing.T) {
	p, store := configured(t, "--capture", "lamp")
	store.ChooseMicrophone(recall.Device{ID: "desk", Name: "Desk"})
	store.ChooseEarpiece(recall.Device{ID: "ear", Name: "Ear"})
	list := []sound.Info{
		{ID: "desk", Name: "Desk", Direction: sound.Capture},
		{ID: "lamp", Name: "Lamp", Direction: sound.Capture},
		{ID: "ear", Name: "Ear", Direction: sound.Playback},
	}
	c := newChoices(&p.cfg, store)
	if d, ok := c.Chosen(list, sound.Capture); !ok || d.ID != "lamp" || c.spec(sound.Capture) != "lamp" {
		t.Errorf("the flag chooses %q, %v", d.ID, ok)
	}
	if d, ok := c.Chosen(list, sound.Playback); !ok || d.ID != "ear" || c.spec(sound.Playback) != "" {
		t.Errorf("what is remembered chooses %q, %v", d.ID, ok)
	}
	c.Choose(list[0])
	if d, ok := c.Chosen(list, sound.Capture); !ok || d.ID != "desk" || c.spec(sound.Capture) != "" {
		t.Errorf("the screen chooses %q, %v", d.ID, ok)
	}
	if got := c.prefer(sound.Capture); len(got) != 1 || got[0] != (sound.Choice{ID: "desk", Name: "Desk"}) {
		t.Errorf("calls open %v", got)
	}
}

func TestAGainThatIsGivenWinsOverTheRememberedOne(t *testing.T) {
	p, store := configured(t, "--ear-volume", "0")
	store.SetGains(callstate.Gains{Microphone: 4, Earpiece: -9})
	if g := p.gains(store); g != (callstate.Gains{Microphone: 4}) {
		t.Errorf("gains %+v", g)
	}
}
