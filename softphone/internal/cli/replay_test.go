package cli_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/audiotest/trace"
	"callcenter/audio/file"
	"callcenter/audio/playlog"
	"callcenter/audio/playout"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/cli"
)

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

// softphone runs a command line with settings of its own.
func softphone(t *testing.T, args ...string) outcome {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("XDG_STATE_HOME", home)
	var stdout, stderr bytes.Buffer
	code := cli.Run(args, strings.NewReader(""), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// figures is what --json prints.
type figures struct {
	playlog.Figures
	Trace   string
	Codec   string
	FrameMS int     `json:"frame_ms"`
	RTTMS   float64 `json:"rtt_ms"`
	Packets int
	Stats   playout.Counters
	Error   string
}

func (o outcome) figures(t *testing.T) figures {
	t.Helper()
	var f figures
	if err := json.Unmarshal([]byte(o.stdout), &f); err != nil {
		t.Fatalf("no JSON object: %v\n%s%s", err, o.stdout, o.stderr)
	}
	return f
}

// writeTrace writes a trace into a new folder and returns its path.
func writeTrace(t *testing.T, spec string) string {
	t.Helper()
	tr, err := trace.Generate(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trace.txt")
	if err := playlog.WriteTrace(path, tr.Trace); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplayPlaysATraceAndRatesIt(t *testing.T) {
	in := writeTrace(t, "stall --sec 20 --stall 1000")
	out, log := filepath.Join(t.TempDir(), "ear.wav"), filepath.Join(t.TempDir(), "play.txt")
	o := softphone(t, "replay", "--trace", in, "--codec", "pcm", "--out", out, "--playlog", log, "--json")
	f := o.figures(t)
	if o.code != 0 || f.Error != "" || f.Trace != in || f.Codec != "pcm" || f.FrameMS != 20 || f.RTTMS != 60 || f.Packets != 1000 {
		t.Fatalf("%+v\n%s", f, o.stderr)
	}
	if f.R < 50 || f.R > 93.2 || f.Stalls != 1 || f.TTLMaxMS >= 500 || f.ConcealedPct < 4 || f.ConcealedPct > 7 {
		t.Errorf("figures %+v", f.Figures)
	}
	if f.Stats.PacketsReceived != 1000 || f.Stats.ConcealedSamples == 0 || f.Stats.TotalSamplesReceived == 0 {
		t.Errorf("counters %+v", f.Stats)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(text), "\n")
	ear, err := file.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ear.Close() }()
	if got := audio.Samples(ear.Duration()); got != lines*audio.PeriodSamples || lines < 2000 {
		t.Errorf("%d samples were heard, %d lines are in the play log", got, lines)
	}
	pcm := make([]int16, 5*audio.Rate)
	ear.Fill(pcm)
	if power(pcm) < 100 {
		t.Error("the built-in voice cannot be heard")
	}
}

func power(pcm []int16) float64 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func TestReplayTellsPeople(t *testing.T) {
	in := writeTrace(t, "wifi --sec 20")
	wav := audiotest.WAV(t, audiotest.Speech(audio.Rate, 1))
	o := softphone(t, "replay", "--trace", in, "--audio", wav, "--complexity", "1")
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	for _, want := range []string{"opus 20 ms", "round trip 60 ms", "1000 arrived", "fastest packet", "R ", "for delay", "for concealment", "MOS", "est.", "back to live", "concealedSamples"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%q is not in\n%s", want, o.stdout)
		}
	}
}

func TestReplayRefusesInASentence(t *testing.T) {
	in := writeTrace(t, "clean --sec 2")
	wav := audiotest.WAV(t, audiotest.Sine(audio.Rate, 440, 5000))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.txt")
	if err := os.WriteFile(broken, []byte("# frame_ms=20 rtt_ms=60\n1 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, []byte("# frame_ms=20 rtt_ms=60\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no trace", nil, 2, []string{"--trace FILE", "--record-trace"}},
		{"a word too many", []string{in}, 2, []string{"replay --help"}},
		{"a setting that cannot be", []string{"--trace", in, "--bitrate", "1"}, 2, []string{"6000"}},
		{"a trace that is not there", []string{"--trace", "/no/such.txt"}, 1, []string{"/no/such.txt", "check the path"}},
		{"a broken trace", []string{"--trace", broken}, 1, []string{broken, "line 2", "want seq send_us arrive_us [dtx]"}},
		{"an empty trace", []string{"--trace", empty}, 1, []string{empty, "no packets"}},
		{"audio that is not there", []string{"--trace", in, "--audio", "/no/such.wav"}, 1, []string{"/no/such.wav"}},
		{"audio that is none", []string{"--trace", in, "--audio", in}, 1, []string{"WAV", "16-bit PCM"}},
		{"the ear over the trace", []string{"--trace", in, "--out", link}, 2, []string{"--out", "--trace", "name another"}},
		{"the ear over the audio", []string{"--trace", in, "--audio", wav, "--out", wav}, 2, []string{"--out", "--audio"}},
		{"the play log over the trace", []string{"--trace", in, "--playlog", in}, 2, []string{"--playlog", "--trace"}},
		{"the play log over the ear", []string{"--trace", in, "--out", "x", "--playlog", "./x"}, 2, []string{"--playlog", "--out"}},
		{"the play log nowhere", []string{"--trace", in, "--playlog", "/no/such/play.txt"}, 1, []string{"/no/such/play.txt", "check the path"}},
		{"the ear nowhere", []string{"--trace", in, "--out", "/no/such/ear.wav"}, 1, []string{"/no/such/ear.wav", "check the path"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := softphone(t, append([]string{"replay", "--json"}, tt.args...)...)
			said := strings.TrimSpace(o.stderr)
			if o.code != tt.code || strings.Contains(said, "\n") {
				t.Errorf("exit code %d, want %d; said:\n%s", o.code, tt.code, said)
			}
			for _, w := range tt.want {
				if !strings.Contains(said, w) {
					t.Errorf("%q is not in: %s", w, said)
				}
			}
			if tt.name != "a word too many" && "softphone: "+o.figures(t).Error != said {
				t.Errorf("the JSON says %q, stderr %q", o.figures(t).Error, said)
			}
		})
	}
}

func TestAFailedReplayLeavesNoHalfPlayLog(t *testing.T) {
	in := writeTrace(t, "clean --sec 2")
	log := filepath.Join(t.TempDir(), "play.txt")
	if err := os.WriteFile(log, []byte("older\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := softphone(t, "replay", "--trace", in, "--out", "/no/such/ear.wav", "--playlog", log)
	if text, err := os.ReadFile(log); o.code != 1 || err != nil || string(text) != "older\n" {
		t.Errorf("exit code %d, play log %q, %v", o.code, text, err)
	}
}

// A call's arrivals are those that its report speaks of, and replay to like
// figures.
func TestACallsTraceReplays(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	path := filepath.Join(t.TempDir(), "call.txt")
	o := softphone(t, "call", "echo", "--server", s.Addr, "--capture", "tone:440", "--playback", "null",
		"--frame", "10ms", "--duration", "2s", "--record-trace", path, "--json")
	var report struct {
		Received uint64
		Lost     uint64
		RTTMS    struct{ Max float64 }  `json:"rtt_ms"`
		BufferMS struct{ Mean float64 } `json:"buffer_ms"`
		Ended    string
	}
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil || o.code != 0 || !strings.Contains(o.stderr, "packets in trace") {
		t.Fatalf("exit code %d, %v: %s", o.code, err, o.stderr)
	}
	tr, err := playlog.OpenTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	audible := uint64(0)
	for _, p := range tr.Packets {
		if !p.DTX {
			audible++
		}
	}
	if audible != report.Received || audible < 100 || tr.FrameMS != 10 || tr.RTTMS <= 0 || tr.RTTMS > report.RTTMS.Max+1 {
		t.Errorf("%d packets, frames of %d ms, rtt %v ms; the report: %+v", audible, tr.FrameMS, tr.RTTMS, report)
	}
	f := softphone(t, "replay", "--trace", path, "--json").figures(t)
	t.Logf("mean delay: %.1f ms in the call, %.1f ms replayed; R %.1f", report.BufferMS.Mean, f.MeanMS, f.R)
	// A busy machine's pulls are late in the call, and never are in a replay.
	if math.Abs(f.MeanMS-report.BufferMS.Mean) > 100 || f.Stats.PacketsReceived != report.Received {
		t.Errorf("replayed %+v, in the call %+v", f.Figures, report)
	}
}

func TestACallsTraceKeepsOffItsFiles(t *testing.T) {
	for _, flag := range []string{"--capture", "--playback"} {
		o := softphone(t, "call", "echo", flag, "file:x.wav", "--record-trace", "./x.wav")
		if o.code != 2 || !strings.Contains(o.stderr, flag) || !strings.Contains(o.stderr, "--record-trace") {
			t.Errorf("exit code %d: %s", o.code, o.stderr)
		}
	}
	o := softphone(t, "call", "echo", "--capture", "null", "--playback", "null", "--record-trace", "/no/such/trace.txt")
	if o.code != 1 || !strings.Contains(o.stderr, "/no/such/trace.txt") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}
