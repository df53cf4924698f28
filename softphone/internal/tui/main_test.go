package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	"go.uber.org/goleak"

	"callcenter/softphone/internal/callstate"
)

var update = flag.Bool("update", false, "rewrite the golden views")

// childVariable makes this test binary a small softphone for the tests that
// need a terminal.
const childVariable = "TUI_TEST_CHILD"

func TestMain(m *testing.M) {
	if kind := os.Getenv(childVariable); kind != "" {
		os.Exit(child(kind))
	}
	lipgloss.SetColorProfile(termenv.Ascii)
	goleak.VerifyTestMain(m)
}

// plainStyles are the looks without any.
func plainStyles() styles { return newStyles(lipgloss.DefaultRenderer()) }

// child runs the screen on a fake phone until it ends.
func child(kind string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	phone, bench := newFakePhone(idleSnapshot()), newFakeBench(benchState())
	phone.obeys, phone.directory = true, directory()
	check, past := &fakeCheck{state: doneCheck()}, &fakeHistory{state: calls()}
	check.panicAt, _ = strings.CutPrefix(kind, "panic in the check's ")
	if method, ok := strings.CutPrefix(kind, "panic in the bench's "); ok {
		bench.panicAt = method
	}
	switch kind {
	case "panic in a key":
		phone.panicAt = "mute"
	case "panic in a snapshot":
		phone.panicAt = "snapshot"
	case "demo":
		go animate(phone)
	}
	err := Run(ctx, phone, Options{Destination: "echo", Bench: bench, Check: check, History: past})
	fmt.Println("after:", err, either(bench.isOpen() || check.isOpen(), "BENCH OPEN", "bench closed"), phone.did())
	var broken *PanicError
	if errors.As(err, &broken) {
		return 3
	}
	if err != nil {
		return 1
	}
	return 0
}

// animate moves the meters like speech, to look at the screen by hand:
// TUI_TEST_CHILD=demo ./tui.test. A call of "clip" is one that goes badly.
func animate(phone *fakePhone) {
	speak := func(x float64) callstate.Meter {
		rms := -24 + 6*math.Sin(2*x) + 3*math.Sin(7*x)
		return callstate.Meter{RMS: rms, Peak: rms + 9, Hold: max(rms+9, -8.4)}
	}
	for i := 0; ; i++ {
		time.Sleep(pollEvery)
		phone.mu.Lock()
		switch s := &phone.snap; {
		case s.State != callstate.Live:
		case s.Destination == "clip":
			*s = clippedSnapshot()
			s.Destination = "clip"
		default:
			s.Duration += pollEvery
			s.Microphone, s.Earpiece = speak(float64(i)/20), speak(float64(i)/20-0.3)
		}
		phone.mu.Unlock()
	}
}
