// Package pulse is a private PulseAudio daemon for tests: a sound card of
// software whose two ends a test can play into and record.
//
// A Server has these devices, 48 kHz:
//
//	sink "headset"           the ear; what is played there can be recorded from headset.monitor
//	sink "mouth"             what is played there is heard by
//	source "headset_mic"     the microphone: a remapped mouth.monitor, so not a monitor itself
//
// headset and headset_mic are the defaults. Cable adds a pair of devices that
// share one clock, for measuring delays exactly.
//
// The daemon has its own folder, socket and settings, needs no session, runs as
// any user, and touches nothing of a daemon that already runs. Tests that need
// it fail where PulseAudio is not installed: they are never skipped.
package pulse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The devices of a Server.
const (
	Headset        = "headset"         // default sink
	HeadsetMonitor = "headset.monitor" // what Headset plays
	Mouth          = "mouth"           // sink that HeadsetMic hears
	HeadsetMic     = "headset_mic"     // default source
)

const (
	// patience is how long a condition may take to come true. It is generous:
	// the test machine may be busy.
	patience = 20 * time.Second
	// look is how often a condition is looked at.
	look = 10 * time.Millisecond
)

// The modules that make the headset.
const (
	headsetModule = "module-null-sink sink_name=headset norewinds=1 rate=48000 sink_properties=device.description=Headset"
	micModule     = "module-remap-source source_name=headset_mic master=mouth.monitor channels=1 channel_map=mono " +
		"master_channel_map=mono remix=no source_properties=device.description=Headset-Microphone"
)

const script = `load-module module-native-protocol-unix auth-anonymous=1 socket=%s
load-module ` + headsetModule + `
load-module module-null-sink sink_name=mouth norewinds=1 rate=48000 channels=1 sink_properties=device.description=Mouth
load-module ` + micModule + `
set-default-sink headset
set-default-source headset_mic
load-module module-cli exit_on_eof=1
`

// Server is a running daemon. Its methods are safe for concurrent use.
type Server struct {
	tb  testing.TB
	dir string
	log safeBuffer

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil before the first start
	exited chan struct{} // closed when the daemon has ended
}

// Start starts a daemon and waits until its devices are there. The daemon ends
// with the test. The test fails at once when PulseAudio is not installed or does
// not start.
func Start(tb testing.TB) *Server {
	tb.Helper()
	for _, program := range []string{"pulseaudio", "pactl", "pacat"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Fatalf("this test needs %s: install the packages `pulseaudio` and `pulseaudio-utils`", program)
		}
	}
	// Not tb.TempDir: with its long names the socket's path passes the limit of
	// 108 bytes.
	dir, err := os.MkdirTemp("", "pa")
	if err != nil {
		tb.Fatalf("make a folder for the sound server: %v", err)
	}
	s := &Server{tb: tb, dir: dir}
	tb.Cleanup(func() {
		s.Kill()
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove the sound server's folder: %v", err)
		}
	})
	s.launch()
	return s
}

// Restart starts the daemon again after Kill, on the same socket and with the
// devices of Start, and waits until they are there.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := os.Remove(s.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.tb.Fatalf("remove the socket of the dead sound server: %v", err)
	}
	s.launch()
}

// launch starts the daemon and waits until its devices are there.
func (s *Server) launch() {
	s.tb.Helper()
	s.execute()
	s.wait("its devices", func() bool {
		sources, err := s.pactl("list", "short", "sources")
		if err != nil || !strings.Contains(sources, HeadsetMic) {
			return false
		}
		info, err := s.pactl("info")
		return err == nil && strings.Contains(info, "Default Source: "+HeadsetMic)
	})
}

func (s *Server) execute() {
	s.tb.Helper()
	config := filepath.Join(s.dir, "default.pa")
	if err := os.WriteFile(config, fmt.Appendf(nil, script, s.socket()), 0o600); err != nil {
		s.tb.Fatalf("write the sound server's script: %v", err)
	}
	cmd := exec.Command("pulseaudio", "-n", "-F", config,
		"--daemonize=no", "--exit-idle-time=-1", "--disallow-exit=no", "--use-pid-file=no",
		"--high-priority=yes", "--realtime=yes", "--disable-shm=yes",
		"--log-target=stderr", "--log-level=warn")
	cmd.Env = s.environ()
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	// The daemon ends when its input does, so it does not outlive a test process
	// that crashes. Nothing is ever written to it.
	if _, err := cmd.StdinPipe(); err != nil {
		s.tb.Fatalf("start pulseaudio: %v", err)
	}
	if err := cmd.Start(); err != nil {
		s.tb.Fatalf("start pulseaudio: %v", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // its end is seen through exited; a killed daemon is no error
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd, s.exited = cmd, exited
}

// process returns the daemon that was started last, and what is closed at its
// end.
func (s *Server) process() (*os.Process, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil, nil
	}
	return s.cmd.Process, s.exited
}

func (s *Server) socket() string { return filepath.Join(s.dir, "native") }

// Env returns the settings, as "KEY=value", with which a program uses this
// daemon and nothing else: PULSE_SERVER, and folders of its own, so that no
// settings or cookies of the user are read or written.
func (s *Server) Env() []string {
	return []string{
		"PULSE_SERVER=unix:" + s.socket(),
		"PULSE_RUNTIME_PATH=" + s.dir,
		"PULSE_STATE_PATH=" + s.dir,
		"XDG_RUNTIME_DIR=" + s.dir,
		"HOME=" + s.dir,
	}
}

// Setenv puts the address of this daemon into the test's own environment, for a
// sound library in the same process.
func (s *Server) Setenv() {
	s.tb.Helper()
	t, ok := s.tb.(interface{ Setenv(key, value string) })
	if !ok {
		s.tb.Fatal("this kind of test cannot set the environment")
	}
	for _, kv := range s.Env() {
		key, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(key, "PULSE_") {
			t.Setenv(key, value)
		}
	}
	for _, key := range []string{"PULSE_SINK", "PULSE_SOURCE"} {
		t.Setenv(key, "") // restores it after the test
		if err := os.Unsetenv(key); err != nil {
			s.tb.Fatal(err)
		}
	}
}

// environ is the environment of the daemon and its tools.
func (s *Server) environ() []string {
	return append(s.Env(), "PATH="+os.Getenv("PATH"), "LC_ALL=C", "DBUS_SESSION_BUS_ADDRESS=disabled:")
}

// wait waits until ok, or fails the test with what the daemon said.
func (s *Server) wait(what string, ok func() bool) {
	s.tb.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	_, exited := s.process()
	for !ok() {
		select {
		case <-tick.C:
		case <-exited:
			s.tb.Fatalf("pulseaudio ended while the test waited for %s:\n%s", what, s.log.String())
		case <-limit.C:
			s.tb.Fatalf("pulseaudio: %s did not come within %v:\n%s", what, patience, s.log.String())
		}
	}
}

func (s *Server) pactl(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "pactl", args...)
	cmd.Env = s.environ()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("pactl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// Pactl runs pactl on this daemon, fails the test if that fails, and returns
// what it printed.
func (s *Server) Pactl(args ...string) string {
	s.tb.Helper()
	out, err := s.pactl(args...)
	if err != nil {
		s.tb.Fatal(err)
	}
	return out
}

// LoadModule loads a module and returns its index, for UnloadModule.
func (s *Server) LoadModule(name string, args ...string) string {
	s.tb.Helper()
	return s.Pactl(append([]string{"load-module", name}, args...)...)
}

// UnloadModule unloads a module: pulling a plug.
func (s *Server) UnloadModule(index string) {
	s.tb.Helper()
	s.Pactl("unload-module", index)
}

// Unplug takes the headset away: its sink and its microphone.
func (s *Server) Unplug() {
	s.tb.Helper()
	for line := range strings.Lines(s.Pactl("list", "short", "modules")) {
		if strings.Contains(line, "sink_name="+Headset+" ") || strings.Contains(line, "source_name="+HeadsetMic+" ") {
			index, _, _ := strings.Cut(line, "\t")
			s.UnloadModule(index)
		}
	}
}

// PlugIn brings the headset back, under the same names, with an earpiece of that
// sample rate. It is not made the default.
func (s *Server) PlugIn(rate int) {
	s.tb.Helper()
	sink := strings.Replace(headsetModule, "rate=48000", fmt.Sprintf("rate=%d", rate), 1)
	for _, module := range []string{sink, micModule} {
		name, args, _ := strings.Cut(module, " ")
		s.LoadModule(name, strings.Fields(args)...)
	}
}

// Suspend lets the headset's two devices pause, as when a desktop switches them
// off, or go on.
func (s *Server) Suspend(on bool) {
	s.tb.Helper()
	state := map[bool]string{true: "1", false: "0"}[on]
	s.Pactl("suspend-sink", Headset, state)
	s.Pactl("suspend-source", HeadsetMic, state)
}

// Freeze stops the daemon in its tracks, as a hung sound server is, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen daemon go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// Kill ends the daemon at once, as a crash does, and waits for its end. It may
// be called more than once.
func (s *Server) Kill() {
	process, exited := s.process()
	if process == nil {
		return
	}
	// Only an ended process cannot be killed, and that is what is wanted.
	_ = process.Kill()
	<-exited
}

func (s *Server) signal(sig os.Signal) {
	s.tb.Helper()
	process, _ := s.process()
	if err := process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Errorf("signal pulseaudio: %v", err)
	}
}

// Log returns what the daemon printed.
func (s *Server) Log() string { return s.log.String() }

// safeBuffer is a buffer that a process writes and a test reads.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
