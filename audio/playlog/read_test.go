package playlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callcenter/audio/audiotest/trace"
	"callcenter/audio/playlog"
)

const header = "# frame_ms=20 rtt_ms=60\n"

func TestReadTrace(t *testing.T) {
	three := []playlog.Packet{{Seq: 1, SendUS: 20000, ArriveUS: 50000}, {Seq: 2, SendUS: 40000, ArriveUS: 70001, DTX: true}, {Seq: 4, SendUS: 80000, ArriveUS: 110000}}
	for name, tc := range map[string]struct {
		text    string
		packets []playlog.Packet
		wrong   []string // what the error says
	}{
		"packets are read":         {header + "1 20000 50000\n2 40000 70001 1\n4 80000 110000 0\n", three, nil},
		"comments are not":         {header + "1 20000 50000\n# 5 5 5\n2 40000 70001 1\n4 80000 110000\n#\n", three, nil},
		"lines of other systems":   {strings.ReplaceAll(header+"1 20000 50000\n2 40000 70001 1\n4 80000 110000\n", "\n", "\r\n"), three, nil},
		"any order":                {header + "4 80000 110000\n1 20000 50000\n2 40000 70001 1\n", three, nil},
		"the last line's end":      {header + "1 20000 50000\n2 40000 70001 1\n4 80000 110000", three, nil},
		"wide columns":             {header + "  1\t20000   50000\n2 40000 70001  1 \n4 80000 110000\n", three, nil},
		"no packets":               {header, nil, nil},
		"another header":           {"# voice frame_ms=20 x=1 rtt_ms=60 {}\n", nil, nil},
		"an empty file":            {"", nil, []string{"line 1", "empty"}},
		"no header":                {"1 20000 50000\n", nil, []string{"line 1", "# frame_ms=20 rtt_ms=60"}},
		"half a header":            {"# frame_ms=20\n", nil, []string{"line 1", "rtt_ms=60"}},
		"a frame that is none":     {"# frame_ms=60 rtt_ms=1\n", nil, []string{"frame_ms=60", "10 or 20"}},
		"a round trip of a minute": {"# frame_ms=20 rtt_ms=60001\n", nil, []string{"rtt_ms=60001", "60000"}},
		"a round trip that is NaN": {"# frame_ms=20 rtt_ms=NaN\n", nil, []string{"rtt_ms=NaN"}},
		"too few words":            {header + "1 20000\n", nil, []string{"line 2", "want seq send_us arrive_us [dtx]", "1 20000"}},
		"too many words":           {header + "1 20000 50000 1 1\n", nil, []string{"line 2", "want seq"}},
		"an empty line":            {header + "1 20000 50000\n\n", nil, []string{"line 3", "want seq"}},
		"a mark that is none":      {header + "1 20000 50000 2\n", nil, []string{"line 2", "want seq"}},
		"a word":                   {header + "one 20000 50000\n", nil, []string{"line 2", "seq", `"one"`}},
		"a fraction":               {header + "1 20000.5 50000\n", nil, []string{"line 2", "send_us"}},
		"a time before all":        {header + "1 20000 -1\n", nil, []string{"line 2", "arrive_us"}},
		"a time beyond all":        {header + "1 9223372036854775807 1\n", nil, []string{"line 2", "send_us"}},
		"a huge sequence":          {header + "1000000000001 1 1\n", nil, []string{"line 2", "seq"}},
		"a day late":               {header + "1 0 86400000000\n", nil, []string{"line 2", "86400 s after", "hour"}},
		"an hour early":            {header + "1 3600000000 0\n", nil, []string{"line 2", "before", "minute"}},
		"a sequence twice":         {header + "1 20000 50000\n# x\n1 20000 50000\n", nil, []string{"line 4", "sequence 1", "line 2"}},
		"sent backwards":           {header + "1 20000 50000\n2 20000 50000\n", nil, []string{"line 3", "sequence 2", "not after"}},
		"too many frames":          {header + "1 20000 50000\n2160001 40000 50000\n", nil, []string{"line 3", "12 h"}},
		"too long a time":          {header + "1 20000 50000\n2 43200020001 43200020001\n", nil, []string{"line 3", "12 h"}},
		"a line without an end":    {header + strings.Repeat("1", 5000), nil, []string{"line 2", "longer than 4095 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := playlog.ReadTrace(strings.NewReader(tc.text))
			if tc.wrong == nil {
				if err != nil || got.FrameMS != 20 || got.RTTMS != 60 || !slices.Equal(got.Packets, tc.packets) {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if !errors.Is(err, playlog.ErrTrace) {
				t.Fatalf("got %+v, %v; want ErrTrace", got, err)
			}
			for _, w := range tc.wrong {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "x.txt")
	if err := os.WriteFile(broken, []byte(header+"x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string][]string{
		broken:                     {fmt.Sprintf("trace %q line 2: want seq", broken)},
		filepath.Join(dir, "none"): {"none", "check the path"},
		dir:                        {"not a regular file"},
	} {
		_, err := playlog.OpenTrace(path)
		if err == nil {
			t.Errorf("%s was opened", path)
			continue
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not say %q in a line", err, w)
			}
		}
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	made, err := trace.Generate("dtx --sec 20", 1)
	if err != nil {
		t.Fatal(err)
	}
	made.RTTMS = 61.25
	path := filepath.Join(t.TempDir(), "x.txt")
	if err := playlog.WriteTrace(path, made.Trace); err != nil {
		t.Fatal(err)
	}
	got, err := playlog.OpenTrace(path)
	if err != nil || got.FrameMS != 20 || got.RTTMS != 61.25 || !slices.Equal(got.Packets, made.Packets) {
		t.Errorf("read %d packets of %d, frame %d, rtt %v, %v", len(got.Packets), len(made.Packets), got.FrameMS, got.RTTMS, err)
	}
}

// A trace that is being written is one after every flush.
func TestATraceFileIsATraceAtAnyTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.txt")
	f, err := playlog.CreateTrace(path, 20)
	if err != nil {
		t.Fatal(err)
	}
	read := func(packets int, frameMS int, rttMS float64) playlog.Trace {
		t.Helper()
		got, err := playlog.OpenTrace(path)
		if err != nil || len(got.Packets) != packets || got.FrameMS != frameMS || got.RTTMS != rttMS {
			t.Fatalf("%+v, %v; want %d packets of %d ms, rtt %v", got, err, packets, frameMS, rttMS)
		}
		return got
	}
	read(0, 20, 0)
	f.SetHeader(10, 59999.99949)
	for seq := range int64(1000) {
		f.Add(playlog.Packet{Seq: seq, SendUS: seq * 10_000, ArriveUS: seq*10_000 + 7})
	}
	if got, err := playlog.OpenTrace(path); err != nil || len(got.Packets) < 500 {
		t.Fatalf("%d packets by then, %v", len(got.Packets), err)
	}
	f.Flush()
	read(1000, 10, 59999.999)
	f.SetHeader(10, 0.25)
	if err := f.Close(29_993); err != nil {
		t.Fatal(err)
	}
	for _, p := range read(1000, 10, 0.25).Packets {
		if p.ArriveUS-p.SendUS != 30_000 {
			t.Fatalf("%+v was not moved", p)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestWhatIsNoFileIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	for name, err := range map[string]error{
		"a trace into a folder":         second(playlog.CreateTrace(dir, 20)),
		"a trace into no folder":        second(playlog.CreateTrace(filepath.Join(dir, "no", "x"), 20)),
		"a play log into a folder":      playlog.WriteLog(dir, nil),
		"a play log into no folder":     playlog.WriteLog(filepath.Join(dir, "no", "x"), nil),
		"a play log instead of devices": playlog.WriteLog(os.DevNull, nil),
	} {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestALinkStaysALink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	if err := playlog.WriteLog(link, []playlog.Line{{PlayUS: 1, MediaUS: -1, Kind: playlog.Comfort, Samples: 480}}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "1 -1 G 480 0 0 0\n" {
		t.Errorf("file holds %q, %v", got, err)
	}
}

// FuzzReadTrace feeds text of any kind: it is refused with ErrTrace and a line,
// or it is a trace within all bounds that is the same when written and read
// again.
func FuzzReadTrace(f *testing.F) {
	for _, s := range []string{
		"", header, header + "1 20000 50000\n2 40000 70001 1\r\n", header + "2 1 1\n1 0 0\n", header + "1 0 0\n1 0 0\n",
		"# frame_ms=10 rtt_ms=1e3\n7 7 7 1", "# frame_ms=20 rtt_ms=-0\n# x\n1 1000000000000000 999999999999999\n", "\x00\xff\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := playlog.ReadTrace(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, playlog.ErrTrace) || !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("error %v", err)
			}
			return
		}
		for i, p := range got.Packets {
			if p.SendUS < 0 || p.ArriveUS < 0 || i > 0 && (p.Seq <= got.Packets[i-1].Seq || p.SendUS <= got.Packets[i-1].SendUS) {
				t.Fatalf("packet %+v", p)
			}
		}
		again := got.AppendHeader(nil)
		for _, p := range got.Packets {
			again = p.Append(again)
		}
		twice, err := playlog.ReadTrace(bytes.NewReader(again))
		if err != nil || twice.FrameMS != got.FrameMS || twice.RTTMS != got.RTTMS || !slices.Equal(twice.Packets, got.Packets) {
			t.Fatalf("written and read again: %v", err)
		}
	})
}
