package history_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/history"
)

// victimEnv holds the database that a test process is to write until it is killed.
const victimEnv = "HISTORY_VICTIM"

// callForEver is the process that is killed: one call, which ended, and one that
// goes on. It leaves others room to write, as a softphone does: on a slow machine
// one that writes without a pause keeps them waiting for more than busyMS.
func callForEver(path string) {
	s := history.New(history.Config{Path: path})
	go func() { _ = s.Run(context.Background(), func(callstate.Notice) { os.Exit(3) }) }()
	s.Note(past(1))
	p := past(2)
	p.Ended = ""
	const every = 50 * time.Millisecond
	for p.Length = 0; ; p.Length += every {
		s.Note(p)
		<-time.After(every)
	}
}

func TestACallWhoseSoftphoneIsKilledIsCut(t *testing.T) {
	path := file(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	grown := func() time.Duration {
		calls := find(t, path, "going on")
		if len(calls) != 1 {
			return 0
		}
		return calls[0].Length
	}
	waitFor(t, "its second call", func() bool { return grown() > 100*time.Millisecond })
	if said := keep(t, path, past(3)); len(said) != 0 { // another comes and goes
		t.Errorf("said %q", said)
	}
	length := grown()
	if length == 0 {
		t.Error("a call that goes on was cut")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	look := func(when string) {
		t.Helper()
		calls := find(t, path, "")
		if len(calls) != 3 || calls[2].Ended != "hung up" || calls[0].Ended != "hung up" {
			t.Fatalf("%s: %+v", when, calls)
		}
		if p := calls[1]; p.CallID != "call2" || p.Ended != callstate.PastCut || p.Length < length {
			t.Errorf("%s, of %v: %+v", when, length, p)
		}
		if cut := find(t, path, "CUT echo"); len(cut) != 1 {
			t.Errorf("%s, a search finds %+v", when, cut)
		}
	}
	look("before another softphone starts")
	if said := keep(t, path); len(said) != 0 {
		t.Errorf("said %q", said)
	}
	look("after another softphone was there")
}
