package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// pastCall is what the history command says of a call.
type pastCall struct {
	Destination string   `json:"destination"`
	Name        string   `json:"name"`
	DurationS   float64  `json:"duration_s"`
	MOSEst      *float64 `json:"mos_est"`
	WorstMOSEst *float64 `json:"worst_minute_mos_est"`
	Ended       string   `json:"ended"`
}

// pastCalls are the calls that the history command lists, by destination.
func pastCalls(t *testing.T, env []string, text ...string) map[string]pastCall {
	t.Helper()
	r := runPhone(t, env, append([]string{"history", "--json"}, text...)...)
	var list []pastCall
	if err := json.Unmarshal(r.stdout.Bytes(), &list); err != nil || r.code != 0 {
		t.Fatalf("history ended with %d: %s%s, %v", r.code, r.stdout.String(), r.stderr.String(), err)
	}
	calls := make(map[string]pastCall, len(list))
	for _, c := range list {
		calls[c.Destination] = c
	}
	return calls
}

func TestTheHistorySurvivesWhateverEndsASoftphone(t *testing.T) {
	srv := startServer(t)
	data := t.TempDir()
	env := []string{"XDG_DATA_HOME=" + data, "XDG_STATE_HOME=" + t.TempDir()}
	ends := []string{"--server", srv.address, "--capture", "tone:440", "--playback", "null"}
	if r := runPhone(t, env, "history"); r.code != 0 || !strings.Contains(r.stderr.String(), "There is no history yet") {
		t.Errorf("at first it ended with %d and said %q", r.code, r.stderr.String())
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("to ask made %v, %v", entries, err)
	}

	// Two at once: one without a screen, one with.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	other := softphone(ctx, t, env, append([]string{"call", "tone"}, ends...)...)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	s := startScreen(t, env, append(ends, "--favourite", "Desk=room/desk")...)
	s.shows("idle")
	s.keys("1")
	s.shows("live")
	waitFor(t, "both calls to go on", func() bool {
		calls := pastCalls(t, env, "going")
		return calls["room/desk"].DurationS >= 3 && calls["tone"].DurationS > 0
	})

	// One is killed.
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // killed
	check := func(when string) {
		t.Helper()
		calls := pastCalls(t, env)
		if c := calls["room/desk"]; len(calls) != 2 || c.Ended != "cut" || c.DurationS < 3 || c.Name != "Desk" {
			t.Errorf("%s: %+v", when, calls)
		}
		if c := calls["tone"]; c.Ended != "going on" {
			t.Errorf("%s, the other call: %+v", when, c)
		}
	}
	check("after its end")
	s = startScreen(t, env, ends...)
	s.shows("room/desk") // what was dialed last
	check("with another softphone open")
	s.keys("q")
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the softphone ended with %v", err)
	}
	if err := other.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err != nil {
		t.Errorf("the call ended with %v", err)
	}
	if c := pastCalls(t, env, "TONE")["tone"]; c.Ended != "hung up" || c.MOSEst == nil || c.WorstMOSEst == nil || *c.WorstMOSEst > *c.MOSEst {
		t.Errorf("the other call: %+v", c)
	}

	// The database is damaged.
	path := filepath.Join(data, "softphone", "history.db")
	if err := os.Truncate(path, 5000); err != nil {
		t.Fatal(err)
	}
	if r := runPhone(t, env, "history"); r.code != 1 || !strings.Contains(r.stderr.String(), "cannot be read") {
		t.Errorf("of a damaged one history ended with %d and said %q", r.code, r.stderr.String())
	}
	r := runPhone(t, env, append([]string{"call", "echo", "--duration", "300ms"}, ends...)...)
	if said := r.stderr.String(); r.code != 0 || !strings.Contains(said, path+", is damaged: it is kept as history.db.damaged, and a new history begins.") {
		t.Errorf("a call ended with %d and said %q", r.code, said)
	}
	if info, err := os.Stat(path + ".damaged"); err != nil || info.Size() != 5000 {
		t.Errorf("it is not kept: %v", err)
	}
	if calls := pastCalls(t, env); len(calls) != 1 || calls["echo"].Ended != "duration" {
		t.Errorf("the new history has %+v", calls)
	}

	// It is switched off.
	if r := runPhone(t, env, append([]string{"call", "room/secret", "--history=false", "--duration", "300ms"}, ends...)...); r.code != 0 {
		t.Errorf("a call ended with %d and said %q", r.code, r.stderr.String())
	}
	if calls := pastCalls(t, env); len(calls) != 1 {
		t.Errorf("a history that is off has %+v", calls)
	}
}
