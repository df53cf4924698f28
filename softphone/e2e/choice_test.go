package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/softphone/e2e/pulse"
)

// hears reports that the softphone records from that microphone.
func hears(card *pulse.Server, id string) bool {
	index := ""
	for line := range strings.Lines(card.Pactl("list", "short", "sources")) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == id {
			index = f[0]
		}
	}
	for line := range strings.Lines(card.Pactl("list", "short", "source-outputs")) {
		// A stream of a program has a client, one between modules has none.
		if f := strings.Fields(line); len(f) > 2 && f[1] == index && f[2] != "-" {
			return true
		}
	}
	return false
}

// leave ends the call, if there is one, and the softphone.
func (s *screen) leave() {
	s.t.Helper()
	s.keys("h")
	s.shows("ended")
	s.keys("q")
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("the softphone ended with %v", err)
	}
}

func TestAChosenMicrophoneIsRememberedFromRunToRun(t *testing.T) {
	card := pulse.Start(t)
	module := card.LoadModule("module-remap-source", "source_name=spare_mic", "master=mouth.monitor", "channels=1", "channel_map=mono",
		"master_channel_map=mono", "remix=no", "source_properties=device.description=Spare-Microphone")
	srv := startServer(t)
	state := t.TempDir()
	env := append(card.Env(), "XDG_STATE_HOME="+state)
	screenOf := func() *screen {
		s := startScreen(t, env, "--server", srv.address, "--favourite", "Nobody=room/empty")
		s.shows("idle")
		return s
	}

	s := screenOf()
	s.keys("d")
	s.shows("live")
	waitFor(t, "the default microphone", func() bool { return hears(card, pulse.HeadsetMic) })
	s.keys("v")
	s.shows("Spare-Microphone")
	s.keys("j\r")
	s.shows(`is now "Spare-Microphone"`)
	s.keys("v")
	waitFor(t, "the spare microphone alone", func() bool { return hears(card, "spare_mic") && !hears(card, pulse.HeadsetMic) })
	s.leave()

	s = screenOf()
	s.keys("d")
	s.shows("live")
	waitFor(t, "the spare microphone", func() bool { return hears(card, "spare_mic") })
	s.leave()

	card.UnloadModule(module)
	s = screenOf()
	s.keys("1") // the favourite
	s.shows(`"Spare-Microphone" is not there`)
	waitFor(t, "the default microphone", func() bool { return hears(card, pulse.HeadsetMic) })
	s.leave()
	kept, err := os.ReadFile(filepath.Join(state, "softphone", "recall.json"))
	if err != nil || !strings.Contains(string(kept), "spare_mic") {
		t.Errorf("remembered %s, %v", kept, err)
	}
}

func TestADamagedMemoryIsSaidAndCostsNoCall(t *testing.T) {
	srv := startServer(t)
	state := t.TempDir()
	path := filepath.Join(state, "softphone", "recall.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"version": 1, "rec`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"call", "echo", "--server", srv.address, "--capture", "null", "--playback", "null", "--duration", "300ms"}
	for round, want := range []bool{true, false} {
		r := runPhone(t, []string{"XDG_STATE_HOME=" + state}, args...)
		if said := r.stderr.String(); r.code != 0 || strings.Contains(said, "is damaged; it is kept as recall.json.damaged") != want {
			t.Errorf("run %d ended with %d and said %q", round, r.code, said)
		}
	}
}
