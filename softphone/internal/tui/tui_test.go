package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/desk"
)

// runOn runs the screen without a terminal and returns what Run returns.
func runOn(ctx context.Context, t *testing.T, phone desk.Phone) <-chan error {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, phone, Options{Input: read, Output: io.Discard})
		_ = read.Close()
		_ = write.Close()
	}()
	return done
}

func await(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Run does not return")
		return nil
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := runOn(ctx, t, newFakePhone(liveSnapshot()))
	cancel()
	if err := await(t, done); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithThePhone(t *testing.T) {
	phone := newFakePhone(liveSnapshot())
	done := runOn(t.Context(), t, phone)
	close(phone.notices)
	if err := await(t, done); err != nil {
		t.Error(err)
	}
}

func TestRunReturnsAPanicWithItsStack(t *testing.T) {
	phone := newFakePhone(liveSnapshot())
	phone.panicAt = "snapshot"
	err := await(t, runOn(t.Context(), t, phone))
	var broken *PanicError
	if !errors.As(err, &broken) || broken.Value != "broken snapshot" || !bytes.Contains(broken.Stack, []byte("fake_test.go")) {
		t.Fatalf("%v", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

// brittle is a model of which one method panics.
type brittle struct{ part string }

func (b brittle) Init() tea.Cmd                       { b.maybe("init"); return nil }
func (b brittle) Update(tea.Msg) (tea.Model, tea.Cmd) { b.maybe("update"); return b, nil }
func (b brittle) View() string                        { b.maybe("view"); return "" }

func (b brittle) maybe(part string) {
	if b.part == part {
		panic(part)
	}
}

func TestAPanicInAnyPartOfTheModelEndsTheProgram(t *testing.T) {
	for _, part := range []string{"init", "update", "view"} {
		t.Run(part, func(t *testing.T) {
			alive, kill := context.WithCancelCause(t.Context())
			g := &guard{inner: brittle{part}, end: kill}
			g.Init()
			next, _ := g.Update(nil)
			if next != tea.Model(g) {
				t.Error("the guard is gone")
			}
			g.View()
			var broken *PanicError
			if !errors.As(context.Cause(alive), &broken) || broken.Value != part {
				t.Errorf("%v", context.Cause(alive))
			}
		})
	}
}
