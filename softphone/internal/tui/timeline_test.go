package tui

import (
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func moments(delays ...int) []callstate.Moment {
	all := make([]callstate.Moment, len(delays))
	for i, d := range delays {
		all[i].Delay = time.Duration(d) * time.Millisecond
	}
	return all
}

func TestACellIsTheWorstOfItsSeconds(t *testing.T) {
	all := moments(10, 90, 20, 30, 40, 35)
	all[1].Marks, all[2].Marks = callstate.MarkStall, callstate.MarkMuted
	all[3].MOS, all[4].MOS = 4.2, 2.5
	cells := timeline{moments: all, second: 5}.cells(3, 4)
	want := []callstate.Moment{
		{},
		{},
		{Delay: 90 * time.Millisecond, Marks: callstate.MarkStall | callstate.MarkMuted},
		{Delay: 40 * time.Millisecond, MOS: 2.5},
	}
	for i := range want {
		if cells[i] != want[i] {
			t.Errorf("cell %d: %+v, want %+v", i, cells[i], want[i])
		}
	}
}

// A cell keeps its seconds while it moves to the left: a peak never changes its
// height by being grouped anew.
func TestCellsMoveAndStay(t *testing.T) {
	const per, count = 7, 43
	var all []callstate.Moment
	var before []callstate.Moment
	for now := range 2000 {
		all = append(all, callstate.Moment{Delay: time.Duration(now*now%97+1) * time.Millisecond})
		all = all[max(0, len(all)-callstate.TimelineSeconds):]
		cells := timeline{moments: all, second: now}.cells(per, count)
		if now%per == 0 && now > 0 {
			before = append(before[1:], callstate.Moment{})
		}
		if before != nil {
			for i := 1; i < count-1; i++ { // the oldest loses seconds, the newest gets some
				if cells[i] != before[i] {
					t.Fatalf("second %d, cell %d: %v became %v", now, i, before[i], cells[i])
				}
			}
		}
		before = cells
	}
}

func TestTheTimelineSaysWhatHappened(t *testing.T) {
	st := plainStyles()
	view := timeline{st: &st, moments: minutes(300), second: 754, mos: true}.Render(118)
	for _, want := range []string{"Last 5 min", "MOS est.", " 124 to  612 ms", " 1.8 at worst", "mmmm", "hhhh", "d", "sss", "rr", "r reconnect  s stall"} {
		if !strings.Contains(view, want) {
			t.Errorf("no %q in\n%s", want, view)
		}
	}
	lines := strings.Split(view, "\n")
	peak, stall := strings.IndexRune(lines[0], '█'), strings.IndexByte(lines[2], 's')
	if at := len([]rune(lines[0][:peak])); at != stall {
		t.Errorf("the peak is at %d, its mark at %d:\n%s", at, stall, view)
	}
	if n := len(strings.Split(timeline{st: &st}.Render(118), "\n")); n != 2 {
		t.Errorf("%d lines before the first second", n)
	}
}

func TestAQuietCallIsAFlatLine(t *testing.T) {
	st := plainStyles()
	line, _, _ := strings.Cut(timeline{st: &st, moments: moments(120, 121, 128, 122, 120, 127), second: 5}.Render(329), "\n")
	if !strings.Contains(line, strings.Repeat("▅", 6)) && !strings.Contains(line, strings.Repeat("▄", 6)) {
		t.Errorf("%s", line)
	}
}

func TestTheRowsOfAHighTimelineAreOnePicture(t *testing.T) {
	st := plainStyles()
	rows := strings.Split(timeline{st: &st, moments: moments(60, 120, 240), second: 2, rows: 4}.Render(329), "\n")
	got := ""
	for _, row := range rows[:4] {
		cells := []rune(row)
		if len(cells) < labelWidth+300 {
			cells = append(cells, []rune(strings.Repeat(" ", labelWidth+300-len(cells)))...)
		}
		got += string(cells[labelWidth+297:labelWidth+300]) + "|"
	}
	if want := "  █|  █| ██|███|"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
