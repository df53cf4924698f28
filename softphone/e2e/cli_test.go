package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWhatCannotBeIsOneLineThatSaysWhatToDo(t *testing.T) {
	s := startServer(t)
	config := filepath.Join(t.TempDir(), "config.toml")
	write(t, config, "bitrat = 16000\n")
	broken := filepath.Join(t.TempDir(), "broken.wav")
	write(t, broken, "RIFF\x10\x00\x00\x00WAVEfmt ")
	quiet := []string{"--server", s.address, "--capture", "null", "--playback", "null"}
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"an unknown flag", []string{"call", "--captur", "null"}, 2, []string{"--capture"}},
		{"an unknown command", []string{"cal"}, 2, []string{"call"}},
		{"an unknown setting in the file", []string{"call", "--config", config}, 2, []string{config, "bitrat", "bitrate"}},
		{"a settings file that is not there", []string{"call", "--config", "/no/such.toml"}, 2, []string{"/no/such.toml"}},
		{"a frame that is none", []string{"call", "--frame", "15ms"}, 2, []string{"10ms", "20ms"}},
		{"a server without a port", []string{"call", "--server", "localhost"}, 2, []string{"HOST:PORT"}},
		{"a tone that is none", []string{"call", "--capture", "tone:x"}, 2, []string{"20", "20000"}},
		{"a destination that is none", append([]string{"call", "room/No Such"}, quiet...), 1, []string{"room/", "echo"}},
		{"a server that is down", []string{"call", "echo", "--server", "127.0.0.1:1", "--capture", "null", "--playback", "null"}, 1, []string{"127.0.0.1:1", "--server"}},
		{"a broken WAV file", []string{"call", "echo", "--server", s.address, "--capture", "file:" + broken, "--playback", "null"}, 1, []string{"broken.wav"}},
		{"a WAV file that is not there", []string{"call", "echo", "--server", s.address, "--capture", "file:/no/such.wav", "--playback", "null"}, 1, []string{"/no/such.wav"}},
		{"the screen without a terminal", nil, 2, []string{"softphone call"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runPhone(t, nil, tt.args...)
			said := strings.TrimSpace(r.stderr.String())
			if r.code != tt.code {
				t.Errorf("exit code %d, want %d", r.code, tt.code)
			}
			if strings.Count(said, "\n") != 0 || said == "" {
				t.Errorf("want one line, got:\n%s", said)
			}
			for _, w := range tt.want {
				if !strings.Contains(said, w) {
					t.Errorf("%q is not in: %s", w, said)
				}
			}
			if strings.Contains(said, "goroutine ") {
				t.Errorf("a stack trace: %s", said)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestJSONIsPrintedForACallThatFailed(t *testing.T) {
	r := runPhone(t, nil, "call", "echo", "--server", "127.0.0.1:1", "--capture", "null", "--playback", "null", "--json")
	rep := r.report(t)
	if r.code != 1 || rep.Error == "" || rep.Ended != "failed" || rep.Destination != "echo" {
		t.Errorf("exit code %d, report %+v", r.code, rep)
	}
}

func TestASignalHangsUpCleanly(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			s := startServer(t)
			out := filepath.Join(t.TempDir(), "out.wav")
			var stdout, stderr logWriter
			cmd := softphone(t.Context(), t, nil, "call", "tone", "--server", s.address,
				"--capture", "null", "--playback", "file:"+out, "--json")
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "a second of recording", func() bool {
				info, err := os.Stat(out)
				return err == nil && info.Size() > 96000
			})
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("want exit code 0: %v: %s", err, stderr.String())
			}
			var rep struct {
				Received uint64
				Ended    string
			}
			if err := json.Unmarshal([]byte(stdout.String()), &rep); err != nil || rep.Received == 0 || rep.Ended != "hung up" {
				t.Errorf("report %+v: %v", rep, err)
			}
			if pcm := readWAV(t, out); len(pcm) < 48000 || toneLevel(pcm[24000:48000], 440) < -23 {
				t.Errorf("the recording has %d samples, 440 Hz at %.1f dBFS", len(pcm), toneLevel(pcm, 440))
			}
			waitFor(t, "the server's account of the call", func() bool { return len(s.entries("call ended")) == 1 })
			if status := s.entries("call ended")[0]["status"]; status != "OK" {
				t.Errorf("the server ended the call with %v, want OK", status)
			}
		})
	}
}

type logWriter struct{ logBuffer }

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

// waitFor waits until ok or fails the test.
func waitFor(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited %v for %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
