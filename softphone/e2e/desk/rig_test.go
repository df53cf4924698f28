//go:build linux && !race

package desk

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/softphone/e2e/pulse"
)

const (
	// period is that of every device here, the softphone's own and the bare pair's.
	period = audio.Period
	// patience is how long a condition may take; test machines are busy at times.
	patience = 60 * time.Second
	// stopLimit is how long a program may take to end.
	stopLimit = 10 * time.Second
	// loud is above which level speech is heard, in dBFS of RMS.
	loud = -50
)

// rig is what all rows share: a sound server whose microphone hears speech, and
// our server.
type rig struct {
	sound   *pulse.Server
	address string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{sound: pulse.Start(t)}
	ctx, cancel := context.WithCancel(context.Background())
	var speaking sync.WaitGroup
	speaking.Go(func() {
		for pcm := audiotest.Speech(30*audio.Rate, 1); ctx.Err() == nil; {
			if err := r.sound.Play(ctx, pulse.Mouth, pcm); err != nil && ctx.Err() == nil {
				t.Errorf("nobody speaks any more: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); speaking.Wait() })
	r.address = serve(t)
	return r
}

// hears waits until the earpiece plays the speech.
func (r *rig) hears(t *testing.T, what string) {
	t.Helper()
	if !r.heard(patience) {
		t.Fatalf("waited %v for speech from %s", patience, what)
	}
}

// heard reports whether the earpiece plays the speech within a time.
func (r *rig) heard(within time.Duration) bool {
	ear := r.sound.Record(pulse.HeadsetMonitor)
	defer ear.Stop()
	seen := 0
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		pcm := ear.Since(seen)
		if len(pcm) < audio.Rate/10 {
			continue
		}
		seen += len(pcm)
		if rms(pcm) > loud {
			return true
		}
	}
	return false
}

// silent waits until it plays nothing: nobody of the row before is heard.
func (r *rig) silent(t *testing.T) {
	t.Helper()
	waitFor(t, "the earpiece to be free", func() bool {
		return r.sound.Pactl("list", "short", "sink-inputs") == r.ours(t)
	})
}

// ours are the players of the rig: the one that speaks.
func (r *rig) ours(t *testing.T) string {
	t.Helper()
	var kept []string
	mouth := ""
	for line := range strings.Lines(r.sound.Pactl("list", "short", "sinks")) {
		if f := strings.Split(line, "\t"); len(f) > 1 && f[1] == pulse.Mouth {
			mouth = f[0]
		}
	}
	for line := range strings.Lines(r.sound.Pactl("list", "short", "sink-inputs")) {
		if f := strings.Split(line, "\t"); len(f) > 1 && f[1] == mouth {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.Join(kept, "\n")
}

func rms(pcm []int16) float64 {
	sum := 0.0
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(sum/float64(len(pcm))/(1<<30)+1e-10)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// serve runs our server until the end of the test and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, "server"), "--listen", "127.0.0.1:0", "--log-format", "json")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	listens := make(chan string, 1)
	begin(t, cmd, func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var entry struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "listening" {
				listens <- entry.Address
			}
		}
	})
	select {
	case address := <-listens:
		return address
	case <-time.After(patience):
		t.Fatal("the server does not say where it listens")
		return ""
	}
}

// begin starts a program, reads what it says, and returns what ends it and waits
// for that; the end of the test does so in any case.
func begin(t *testing.T, cmd *exec.Cmd, read func()) (end func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if read != nil {
			read()
		}
		_ = cmd.Wait() // of a signal
	}()
	var once sync.Once
	end = func() {
		once.Do(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			kill := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
			<-done
		})
	}
	t.Cleanup(end)
	return end
}

// environment is what a program needs to find its own folders and the sound.
func (r *rig) environment(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	return append(r.sound.Env(), "HOME="+home, "PATH="+os.Getenv("PATH"), "LC_ALL=C.UTF-8",
		"TERM=xterm-256color", "COLORTERM=truecolor", "DBUS_SESSION_BUS_ADDRESS=disabled:",
		"XDG_STATE_HOME="+filepath.Join(home, "state"), "XDG_CONFIG_HOME="+filepath.Join(home, "config"))
}
