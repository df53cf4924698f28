package e2e

import (
	"strings"
	"testing"

	"callcenter/softphone/e2e/pulse"
)

// recorders are how many programs listen to a microphone of the sound server.
func recorders(card *pulse.Server) int {
	n := 0
	for line := range strings.Lines(card.Pactl("list", "short", "source-outputs")) {
		if f := strings.Fields(line); len(f) > 2 && f[2] != "-" { // "-": between modules
			n++
		}
	}
	return n
}

// No call is needed to try a headset, and no microphone stays open after it.
func TestTheDevicesScreenTriesAHeadsetAndLetsGoOfIt(t *testing.T) {
	card := pulse.Start(t)
	module := card.LoadModule("module-remap-source", "source_name=spare_mic", "master=mouth.monitor", "channels=1", "channel_map=mono",
		"master_channel_map=mono", "remix=no", "source_properties=device.description=Spare-Microphone")
	s := startScreen(t, card.Env(), "--server", "127.0.0.1:1")
	s.shows("q quit")
	s.keys("v")
	s.shows("Spare-Microphone")
	waitFor(t, "the microphones to be open", func() bool { return recorders(card) >= 2 })
	s.keys("r")
	s.shows("Recording: speak")
	s.shows("Playing it back")
	s.keys("\tt")
	s.shows("TONE")
	s.keys("t\t")
	card.UnloadModule(module)
	s.shows("GONE")
	s.keys("\x1b")
	s.shows("d dial")
	waitFor(t, "the microphones to be closed", func() bool { return recorders(card) == 0 })
	s.keys("v")
	s.shows("Microphones")
	waitFor(t, "the microphones to be open again", func() bool { return recorders(card) >= 1 })
	s.keys("\x03") // from within the screen
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
	waitFor(t, "the microphones to be closed by the end", func() bool { return recorders(card) == 0 })
}
