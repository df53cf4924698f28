package tui

import (
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestTheHeaderSaysWhatIsNotAsUsual(t *testing.T) {
	st := plainStyles()
	for _, c := range []struct {
		name   string
		change func(*callstate.Snapshot)
		width  int
		want   string
	}{
		{"nothing", func(*callstate.Snapshot) {}, 40, " ● LIVE  0:12:34  echo"},
		{"muted", func(s *callstate.Snapshot) { s.Muted = true }, 40, " ● LIVE  0:12:34  echo   MUTED "},
		{"held", func(s *callstate.Snapshot) { s.Held = true }, 40, " ● LIVE  0:12:34  echo   HELD "},
		{"talking", func(s *callstate.Snapshot) {
			s.Muted, s.Talk = true, callstate.Talk{Open: true, Left: 26100 * time.Millisecond}
		}, 40, " ● LIVE  0:12:34  echo   TALK 27s "},
		{"training", func(s *callstate.Snapshot) { s.Training.Delay = 200 * time.Millisecond }, 60, " ● LIVE  0:12:34  echo   TRAINING +200ms "},
		{"training, narrow", func(s *callstate.Snapshot) { s.Training.Delay = 200 * time.Millisecond }, 40, " ● LIVE  0:12:34  echo  TRAIN +200ms"},
		{"everything, narrow", func(s *callstate.Snapshot) {
			s.State, s.Muted, s.Held = callstate.Reconnecting, true, true
		}, 40, " ◐ RECONNECTING  0:12:34  MUTED HELD"},
		{"a long name", func(s *callstate.Snapshot) { s.Destination, s.Muted = "room/a-long-name-of-a-room", true }, 40, " ● LIVE  0:12:34  room/a-long-…   MUTED "},
	} {
		s := liveSnapshot()
		c.change(&s)
		if got := (header{st: &st, s: &s, looks: 1}).Render(c.width); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The state, the time and the marks are on every terminal that has the cells for
// them.
func TestTheHeaderNeverLeavesOutAMark(t *testing.T) {
	s := talkSnapshot()
	s.Held, s.Destination = true, "room/a-long-name-of-a-room"
	for width := 10; width <= 200; width++ {
		view := sized(s, width, 24)
		for _, want := range []string{"LIVE", "0:12:34", "TALK 27s", "HELD"} {
			if !strings.Contains(view, want) {
				t.Fatalf("%d wide: no %q:\n%s", width, want, view)
			}
		}
	}
}

func TestNothingMovesWhenAMarkComes(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {130, 40}, {200, 60}} {
		with := liveSnapshot()
		with.Muted = true
		line, column := spot(sized(liveSnapshot(), size[0], size[1]), "echo")
		nowLine, nowColumn := spot(sized(with, size[0], size[1]), "echo")
		if line != nowLine || column != nowColumn {
			t.Errorf("%v: the name moved from %d:%d to %d:%d", size, line, column, nowLine, nowColumn)
		}
	}
}

// What has not changed is not sent again: Bubble Tea leaves out a line that is
// the same as before.
func TestASecondChangesTheTimerAlone(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}, {200, 60}} {
		s := goodSnapshot()
		before := strings.Split(sized(s, size[0], size[1]), "\n")
		s.Duration += 900 * time.Millisecond
		if now := strings.Split(sized(s, size[0], size[1]), "\n"); strings.Join(now, "\n") != strings.Join(before, "\n") {
			t.Errorf("%v: something changed within a second", size)
		}
		s.Duration += 100 * time.Millisecond
		for i, line := range strings.Split(sized(s, size[0], size[1]), "\n") {
			if i > 0 && line != before[i] && !strings.ContainsAny(line, "▁▂▃▄▅▆▇█") {
				t.Errorf("%v: line %d changed:\n%s\n%s", size, i, before[i], line)
			}
		}
	}
}
