package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/history"
)

// kept is a history with two calls.
func kept(t *testing.T) {
	t.Helper()
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	s := history.New(history.Config{Path: filepath.Join(data, "softphone", "history.db")})
	start := time.Date(2026, 11, 26, 9, 5, 7, 0, time.Local)
	s.Note(callstate.Past{CallID: "one", Start: start, Destination: "room/\x1b[2Jno", Ended: "failed", Err: "server 10.0.0.1:50051\x1b[31m cannot be reached"})
	s.Note(callstate.Past{
		CallID: "two", Start: start.Add(time.Hour), Length: 3725 * time.Second, Destination: "room/support", Name: "Support", Server: "127.0.0.1:50051",
		MOS: 4.256, WorstMOS: 3.149, ConcealedPct: 0.125, Gaps: 2, Gap: 1540 * time.Millisecond, Ended: "hung up",
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx, func(n callstate.Notice) { t.Errorf("said %q", n.Text) }); err != nil {
		t.Fatal(err)
	}
}

func softphone(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = Run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestTheHistoryIsATable(t *testing.T) {
	kept(t)
	const want = `START                LENGTH   WHO                     MOS EST.  WORST MINUTE  GAPS      ENDED
2026-11-26 10:05:07  1:02:05  Support (room/support)  4.3       3.1           2, 1.5 s  hung up
2026-11-26 09:05:07  0:00     room/[2Jno              –         –             –         failed: server 10.0.0.1:50051[31m cannot be reached
`
	if code, out, said := softphone("history"); code != exitOK || out != want || said != "" {
		t.Errorf("it ended with %d, said %q and printed\n%s", code, said, out)
	}
	if code, out, said := softphone("history", "hung", "SUPPORT"); code != exitOK || strings.Count(out, "\n") != 2 || said != "" {
		t.Errorf("a search ended with %d, said %q and printed\n%s", code, said, out)
	}
	if code, out, said := softphone("history", "--limit", "1"); code != exitOK || strings.Count(out, "\n") != 2 || said != "There are more calls: --limit lists more than 1.\n" {
		t.Errorf("one call: %d, said %q and printed\n%s", code, said, out)
	}
	if code, out, said := softphone("history", "nobody\x1b[2J"); code != exitOK || out != "" || said != "No call has all of \"nobody[2J\".\n" {
		t.Errorf("nothing: %d, said %q and printed\n%s", code, said, out)
	}
	if code, _, said := softphone("history", "--limit", "0"); code != exitUsage || !strings.Contains(said, "limit 0: use 1 to 10000") {
		t.Errorf("limit 0: %d, said %q", code, said)
	}
}

func TestTheHistoryIsJSON(t *testing.T) {
	kept(t)
	code, out, said := softphone("history", "--json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitOK || said != "" || len(list) != 2 {
		t.Fatalf("it ended with %d, said %q and printed\n%s", code, said, out)
	}
	start := time.Date(2026, 11, 26, 10, 5, 7, 0, time.Local).Format(time.RFC3339)
	for key, want := range map[string]any{
		"call_id": "two", "start": start, "duration_s": 3725.0, "destination": "room/support", "name": "Support",
		"server": "127.0.0.1:50051", "mos_est": 4.26, "worst_minute_mos_est": 3.15, "concealed_pct": 0.13,
		"gaps": 2.0, "gap_s": 1.54, "ended": "hung up",
	} {
		if got, there := list[0][key]; !there || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if mos, there := list[1]["mos_est"]; !there || mos != nil || list[1]["error"] == nil {
		t.Errorf("a call that failed: %v", list[1])
	}
	if code, out, _ := softphone("history", "--json", "nobody"); code != exitOK || out != "[]\n" {
		t.Errorf("nothing: %d, %q", code, out)
	}
}
