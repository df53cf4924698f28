package tui

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// elsewhere are the keys that the help need not name: those of a prompt, a
// question or a screen of their own, in whose footer they are.
var elsewhere = []string{
	"Accept", "Cancel", "Complete", "Next", "Previous", "Up", "Down", "PageUp", "PageDown",
	"Other", "Choose", "Tone", "Record", "Repeat", "Search", "Again", "Less", "More", "Reset", "Yes", "No",
}

func TestTheHelpNamesEveryKey(t *testing.T) {
	m := newShift(idleSnapshot())
	var named [][]string
	for _, c := range m.chapters() {
		for _, topic := range c.topics {
			named = append(named, topic.key.Keys())
		}
	}
	for name, binding := range bindings(m.keys) {
		if slices.Contains(elsewhere, name) {
			continue
		}
		if !slices.ContainsFunc(named, func(keys []string) bool { return slices.Equal(keys, binding.Keys()) }) {
			t.Errorf("the help does not name the key %s", name)
		}
	}
}

// bindings are all keys by the names of their fields.
func bindings(k keyMap) map[string]key.Binding {
	all := map[string]key.Binding{}
	v := reflect.ValueOf(k)
	for i := range v.NumField() {
		all[v.Type().Field(i).Name] = v.Field(i).Interface().(key.Binding)
	}
	return all
}

// No key of the line has two meanings at the same time.
func TestKeysDoNotCollide(t *testing.T) {
	for _, state := range []callstate.State{callstate.Idle, callstate.Dialing, callstate.Live, callstate.Ending} {
		m := newShift(callstate.Snapshot{State: state, Duration: time.Minute})
		taken := map[string]string{}
		for name, b := range bindings(m.keys) {
			if slices.Contains(elsewhere, name) || !b.Enabled() {
				continue
			}
			for _, k := range b.Keys() {
				if other, ok := taken[k]; ok {
					t.Errorf("%v: %q is the key of %s and of %s", state, k, name, other)
				}
				taken[k] = name
			}
		}
	}
}

func TestNoKeyIsAFunctionKey(t *testing.T) {
	for name, b := range bindings(newKeyMap()) {
		for _, k := range b.Keys() {
			if len(k) > 1 && k[0] == 'f' && k[1] >= '0' && k[1] <= '9' {
				t.Errorf("%s is on %s, which terminals take", name, k)
			}
		}
	}
}

// All of the help can be read in any terminal that is not too small.
func TestTheHelpScrollsToItsEnd(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 80, Height: 24}, {Width: 120, Height: 30}, {Width: 200, Height: 60}} {
		m, _ := at(callstate.Live)
		m.Update(size)
		quits(m, "?")
		seen := map[string]bool{}
		for range 300 {
			for line := range strings.SplitSeq(m.View(), "\n") {
				seen[strings.TrimSpace(line)] = true
			}
			quits(m, "down")
		}
		width, _ := m.inside()
		for _, line := range m.helpPanel().lines(width) {
			if !seen[strings.TrimSpace(line)] {
				t.Errorf("%dx%d never shows %q", size.Width, size.Height, line)
			}
		}
		at := m.scroll
		quits(m, "up")
		if at > 0 && m.scroll != at-1 {
			t.Errorf("%dx%d: up from line %d leads to line %d", size.Width, size.Height, at, m.scroll)
		}
	}
}

func TestPushToTalkSaysThatItIsALatch(t *testing.T) {
	s := mutedSnapshot()
	m, phone, _ := withBench(s)
	quits(m, " ")
	if got := phone.did(); !slices.Equal(got, []string{"talk"}) {
		t.Fatalf("%q", got)
	}
	for size, want := range map[tea.WindowSizeMsg]string{
		{Width: 80, Height: 24}:  "space talk 30 s",
		{Width: 120, Height: 40}: "space talk 30 s (latch: this terminal sends no key release)",
	} {
		m.Update(size)
		if view := m.View(); !strings.Contains(view, want) {
			t.Errorf("%q is missing:\n%s", want, view)
		}
	}
	s.Talk = callstate.Talk{Open: true, Left: callstate.TalkFor}
	m.Update(snapshotMsg{Snapshot: s})
	if view := m.View(); !strings.Contains(view, "space release") || !strings.Contains(view, "m mute") {
		t.Errorf("nothing says how to release it:\n%s", view)
	}
	s.Held = true
	m.Update(snapshotMsg{Snapshot: s})
	if view := m.View(); strings.Contains(view, "space") || !strings.Contains(view, "x resume") {
		t.Errorf("one can talk while the call is held:\n%s", view)
	}
}
