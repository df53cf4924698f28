//go:build !race

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/call"
)

// toleratedParts is how many of the 35 stretches of speech may be wrong: a busy
// machine makes PulseAudio itself drop and repeat sound, with or without us.
const toleratedParts = 8

// TestARealCallOverASoundServer plays speech into a microphone of PulseAudio
// and hears it in the headset, through both binaries.
func TestARealCallOverASoundServer(t *testing.T) {
	sound := pulse.Start(t)
	said := speech(t, 8)
	eventually(t, func(t *testing.T) []string {
		t.Helper()
		// The way is judged without what is meant to change the sound on it.
		heard, rep := callOverPulse(t, sound, said, "--high-pass", "off", "--denoise", "off", "--level-control", "off", "--ear-protection=false")
		t.Logf("measured loop p50 %.0f ms, p95 %.0f ms", *rep.LoopMS.P50, *rep.LoopMS.P95)
		wrong := listen(t, heard, said)
		if len(wrong) <= toleratedParts {
			wrong = nil
		}
		if rep.Lost != 0 || *rep.LoopMS.P50 <= 0 || *rep.LoopMS.P50 > 400 {
			wrong = append(wrong, fmt.Sprintf("lost %d, loop %.0f ms; want 0, up to 400", rep.Lost, *rep.LoopMS.P50))
		}
		return wrong
	})
}

// TestADevicesMicrophoneIsCleanedUpByDefault lets speech over noise through the
// same way with the settings that an operator gets.
func TestADevicesMicrophoneIsCleanedUpByDefault(t *testing.T) {
	sound := pulse.Start(t)
	said := speech(t, 4)
	noise := audiotest.Noise(len(said)+6*audio.Rate, 120, 1) // -54 dBFS RMS
	noisy := slices.Clone(noise)
	for i, x := range said {
		noisy[3*audio.Rate+i] += x
	}
	eventually(t, func(t *testing.T) (wrong []string) {
		t.Helper()
		heard, rep := callOverPulse(t, sound, noisy)
		if c := rep.CleanUp; c == nil || !c.HighPass || !c.Denoise || !c.LevelControl {
			t.Fatalf("the clean-up of a device is %+v", c)
		}
		// Each 200 ms for itself: the delay is corrected while nobody speaks, and
		// just after.
		parts := pulse.Trace(lowPass(lowPass(heard)), lowPass(lowPass(said)))
		unlike := 0
		for _, p := range parts {
			if level.RMS(said[p.From:p.From+pulse.PartSamples]) > -35 && p.Correlation < 0.65 {
				unlike++
			}
		}
		first := parts[0].At
		if first < 2*audio.Rate || unlike > toleratedParts/2 {
			return append(wrong, fmt.Sprintf("%d parts of %d are unlike what was said, the first is at %.1f s", unlike, len(parts), ms(first)/1000))
		}
		// Before the first word, when the noise has been learnt.
		floor := level.RMS(heard[first-audio.Rate : first-audio.Rate/4])
		t.Logf("%d parts of %d are unlike, noise from -54 to %.1f dBFS", unlike, len(parts), floor)
		if floor > -64 {
			wrong = append(wrong, fmt.Sprintf("noise is heard at %.1f dBFS, want 10 dB less than the -54 that was there", floor))
		}
		return wrong
	})
}

// callOverPulse makes an echo call, speaks in it, and returns what the headset
// played and the report.
func callOverPulse(t *testing.T, sound *pulse.Server, said []int16, args ...string) ([]int16, call.Report) {
	t.Helper()
	s := startServer(t)
	r := &phoneRun{}
	cmd := softphone(t.Context(), t, sound.Env(), append([]string{"call", "echo", "--server", s.address, "--json"}, args...)...)
	cmd.Stdout, cmd.Stderr = &r.stdout, &r.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the call to start", func() bool { return len(s.entries("call started")) == 1 })
	recording := sound.Record(pulse.HeadsetMonitor)
	recording.WaitSamples(audio.Rate)
	if err := sound.Play(t.Context(), pulse.Mouth, said); err != nil {
		t.Fatal(err)
	}
	recording.WaitSamples(len(said) + 2*audio.Rate)
	heard := recording.Stop()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v: %s", err, r.stderr.String())
	}
	rep := r.report(t)
	if rep.LoopMS == nil {
		t.Fatalf("no loop was measured: %s", r.stdout.String())
	}
	return heard, rep
}

func TestDevicesAreListedAndMonitorsMarked(t *testing.T) {
	sound := pulse.Start(t)
	r := runPhone(t, sound.Env(), "devices", "--json")
	var list []struct {
		ID, Name, Direction string
		Default, Monitor    bool
	}
	if err := json.Unmarshal(r.stdout.Bytes(), &list); err != nil {
		t.Fatalf("%v: %s", err, r.stderr.String())
	}
	found := map[string]bool{}
	for _, d := range list {
		found[d.Direction+" "+d.ID] = true
		wantDefault := d.ID == pulse.HeadsetMic || d.ID == pulse.Headset
		if d.Default != wantDefault || d.Monitor != (d.ID == "mouth.monitor" || d.ID == pulse.HeadsetMonitor) {
			t.Errorf("%+v", d)
		}
	}
	for _, want := range []string{"capture headset_mic", "capture headset.monitor", "playback headset", "playback mouth"} {
		if !found[want] {
			t.Errorf("%s is missing in %s", want, r.stdout.String())
		}
	}
}

func TestADefaultMicrophoneThatIsAMonitorIsRefused(t *testing.T) {
	sound := pulse.Start(t)
	sound.Pactl("set-default-source", pulse.HeadsetMonitor)
	s := startServer(t)
	r := runPhone(t, sound.Env(), "call", "echo", "--server", s.address, "--duration", "1s")
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	checkSays(t, r.stderr.String(), "monitor", "--capture")
}

func TestAnUnknownDeviceIsRefusedWithWhatThereIs(t *testing.T) {
	sound := pulse.Start(t)
	s := startServer(t)
	r := runPhone(t, sound.Env(), "call", "echo", "--server", s.address, "--capture", "nosuch", "--duration", "1s")
	if r.code != 1 {
		t.Errorf("exit code %d, want 1", r.code)
	}
	checkSays(t, r.stderr.String(), "nosuch", "Headset-Microphone")
}

func checkSays(t *testing.T, said string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("%q is not in: %s", w, said)
		}
	}
}
