package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"callcenter/softphone/internal/callstate"
)

func TestViewMatchesItsGolden(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 120, Height: 40}, {Width: 40, Height: 12}} {
		for _, s := range scenes() {
			if strings.HasPrefix(s.name, "hostile") || s.name == "empty" {
				continue
			}
			s.golden(t, size, "", nil)
		}
	}
	large := tea.WindowSizeMsg{Width: 200, Height: 60}
	for _, s := range scenes() {
		switch s.name {
		case "idle", "after", "live", "room", "room-large", "reconnecting", "delay":
			s.golden(t, large, "", nil)
		}
	}
}

// Without colours is how all goldens are. Those of ASCII are in one file for each
// size, scene by scene.
func TestViewMatchesItsGoldenInASCII(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 120, Height: 40}, {Width: 40, Height: 12}} {
		var b strings.Builder
		for name, m := range stages() {
			m.ascii = newSpelling()
			m.Update(size)
			fmt.Fprintf(&b, "=== %s\n%s\n", name, m.View())
		}
		golden(t, fmt.Sprintf("ascii-%dx%d", size.Width, size.Height), b.String())
	}
}

func TestViewMatchesItsGoldenInColour(t *testing.T) {
	size := tea.WindowSizeMsg{Width: 80, Height: 24}
	in := func(profile termenv.Profile, dark bool) func(*model) {
		return func(m *model) { m.styles = newStyles(colours(profile, dark)) }
	}
	for _, s := range scenes() {
		switch s.name {
		case "live", "muted", "clip", "reconnecting", "room":
			s.golden(t, size, "-dark", in(termenv.TrueColor, true))
			s.golden(t, size, "-light", in(termenv.TrueColor, false))
			s.golden(t, size, "-16", in(termenv.ANSI, true))
			s.golden(t, size, "-16-light", in(termenv.ANSI, false))
		}
	}
}

func TestATerminalTooSmallSaysSo(t *testing.T) {
	s := mutedSnapshot()
	s.Held = true
	for _, size := range []tea.WindowSizeMsg{{Width: 30, Height: 8}, {Width: 39, Height: 12}, {Width: 80, Height: 11}, {Width: 20, Height: 6}, {Width: 12, Height: 5}} {
		m := scene{snap: s}.stage()
		m.Update(size)
		view := m.View()
		for _, want := range []string{"LIVE", "MUTED", "0:12:34", fmt.Sprintf("%dx%d", leastWidth, leastHeight)} {
			if !strings.Contains(view, want) {
				t.Errorf("%dx%d does not say %q:\n%s", size.Width, size.Height, want, view)
			}
		}
	}
	scene{name: "too-small", snap: s}.golden(t, tea.WindowSizeMsg{Width: 30, Height: 8}, "", nil)
}

// golden compares the view of a scene with that in testdata.
func (s scene) golden(t *testing.T, size tea.WindowSizeMsg, variant string, change func(*model)) {
	t.Helper()
	name := fmt.Sprintf("%s-%dx%d%s", s.name, size.Width, size.Height, variant)
	t.Run(name, func(t *testing.T) {
		m := s.stage()
		m.Update(size)
		if change != nil {
			change(m)
		}
		golden(t, name, m.View()+"\n")
	})
}

// golden compares got with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the view differs from %s; look at it, then run the test with -update\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// Every size is drawn, each with the next scene, so that every scene meets
// every width and every height. The race detector, which has nothing to find
// here, gets a part of them.
func TestViewNeverLeavesTheTerminal(t *testing.T) {
	all := scenes()
	for n, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.stage()
			for width := 20; width <= 200; width += sizeStep {
				for height := 5; height <= 60; height++ {
					if (width+height)%len(all) == n {
						checkFits(t, m, width, height)
					}
				}
			}
			for _, size := range [][2]int{
				{1, 1},
				{2, 2},
				{3, 1},
				{8, 3},
				{19, 4},
				{500, 2},
				{1, 60},
				{20, 5},
				{200, 60},
				{roomy - 1, tall},
				{roomy, tall},
				{spacious - 1, tall},
				{spacious, tall - 1},
				{spacious, grand},
				{80, 24},
				{40, 12},
			} {
				checkFits(t, m, size[0], size[1])
			}
		})
	}
}

func checkFits(t *testing.T, m *model, width, height int) {
	t.Helper()
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	view := m.View()
	lines := strings.Split(view, "\n")
	if len(lines) > height {
		t.Fatalf("%dx%d: %d lines", width, height, len(lines))
	}
	for i, line := range lines {
		if w := lipgloss.Width(line); w > width {
			t.Fatalf("%dx%d: line %d is %d wide: %q", width, height, i, w, line)
		}
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%dx%d: line %d holds %U: %q", width, height, i, r, line)
			}
		}
	}
}

func TestTheMostImportantRowsStayLongest(t *testing.T) {
	for _, c := range []struct {
		width, height int
		shown, gone   []string
	}{
		{20, 5, []string{"LIVE", "mic", "ear", "hang up"}, []string{"rtt", "srv"}},
		{40, 9, []string{"LIVE", "mic", "ear", "too small", "loop 128 ms", "lost 0.0 %"}, []string{"srv"}},
		{40, 12, []string{"48kHz 1ch 10ms pulseaudio", "44.1kHz 2ch 10ms pulseaudio", "srv 127.0.0.1:50051, opus 20 ms", "MOS 4.4 est."}, nil},
		{40, 12, []string{"You are heard", "loop 128 ms", "m2e 132 est.", "rtt 23.4 ms", "buf 41/40ms"}, nil},
		{80, 24, []string{"-60", "good", "mouth to ear est.  132 / measured loop  128 ms", "48 kHz, 1 ch, 3 × 10 ms, pulseaudio"}, []string{"sound system"}},
		{80, 24, []string{"= mic 10 + frame 26 + queue 1 + net 24 + buffer 41 + ear 30", "124 to  612 ms", "127.0.0.1:50051, opus 20 ms"}, nil},
		{80, 24, []string{"(-0.02 delay 148 ms, -0.01 concealed 0.1 %)", "They hear   0.31 % concealed", "n noise on", "l level on +6 dB"}, nil},
		{40, 20, []string{"mic 10 fra 26 que 1 net 24 buf 41 ear 30", "cln f high on n noise on l level on +6dB", "far conc 0.3 % buf 38ms jit 2ms", "5min"}, nil},
		{120, 40, []string{"sound system        10.0 ms est.", "mouth to ear         132 ms est.", "measured loop        128 ms", "1.8 at worst"}, nil},
		{200, 60, []string{"sound system        10.0 ms est.", "measured loop        128 ms", "Earpiece    USB Headset"}, nil},
	} {
		m := scene{snap: liveSnapshot()}.stage()
		m.Update(tea.WindowSizeMsg{Width: c.width, Height: c.height})
		view := m.View()
		for _, text := range c.shown {
			if !strings.Contains(view, text) {
				t.Errorf("%dx%d does not show %q:\n%s", c.width, c.height, text, view)
			}
		}
		for _, text := range c.gone {
			if strings.Contains(view, text) {
				t.Errorf("%dx%d shows %q:\n%s", c.width, c.height, text, view)
			}
		}
	}
}

func TestAFigureThatWasNotMeasuredIsNoNumber(t *testing.T) {
	s := dialingSnapshot() // nothing came back yet
	s.MicrophoneOpen, s.Microphone = nil, silence
	view := scene{snap: s}.draw()
	for _, name := range []string{"mouth to ear est.", "round trip", "Quality", "aims at", "holds", "jitter", "lost", "dropped", "late", "concealed", "peak", "RMS"} {
		_, after, ok := strings.Cut(view, name)
		if !ok || !strings.HasPrefix(strings.TrimLeft(after, " "), unknown) {
			t.Errorf("%q is not followed by %s:\n%s", name, unknown, view)
		}
	}
}

func TestTheTalkingHintYieldsToAFailureOnly(t *testing.T) {
	m := scene{snap: mutedSnapshot(), notice: callstate.Notice{Text: "somebody joined."}}.stage()
	if !strings.Contains(m.View(), mutedHint) {
		t.Errorf("the hint is missing:\n%s", m.View())
	}
	m.Update(noticeMsg{Severity: callstate.Failure, Text: "the headset is gone."})
	if strings.Contains(m.View(), mutedHint) || !strings.Contains(m.View(), "✗ the headset is gone.") {
		t.Errorf("the failure is hidden:\n%s", m.View())
	}
}

func TestTheEarpieceSaysWhatWasTurnedDown(t *testing.T) {
	s := liveSnapshot()
	if view := (scene{snap: s}).draw(); strings.Contains(view, "limited") {
		t.Errorf("nothing was turned down:\n%s", view)
	}
	s.Protection.Limited = 4321
	if view := (scene{snap: s}).draw(); strings.Contains(view, "limited") {
		t.Errorf("nothing is turned down now:\n%s", view)
	}
	s.Protection.Gain = -3.3
	if view := (scene{snap: s}).draw(); !strings.Contains(view, "Earpiece  limited -3.3 dB") {
		t.Errorf("the gain is missing:\n%s", view)
	}
}

func TestWithoutNoiseSuppressionTheScreenSaysSo(t *testing.T) {
	s := liveSnapshot()
	s.CleanUp.CanDenoise, s.CleanUp.Denoise = false, false
	if view := (scene{snap: s}).draw(); !strings.Contains(view, "n noise not built in") {
		t.Errorf("it does not:\n%s", view)
	}
}

func TestIdleShowsTheLengthOfTheLastCall(t *testing.T) {
	s := idleSnapshot()
	s.Duration = 83 * time.Second
	if view := (scene{snap: s}).draw(); !strings.Contains(view, "IDLE  echo  last call 0:01:23") {
		t.Errorf("it is missing:\n%s", view)
	}
}

func TestTheDialingMarkTurnsOnceASecond(t *testing.T) {
	m := scene{snap: dialingSnapshot()}.stage()
	seen := map[string]int{}
	for range 20 {
		shape, _, _ := strings.Cut(strings.TrimSpace(m.View()), " ")
		seen[shape]++
		m.Update(snapshotMsg{Snapshot: dialingSnapshot()})
	}
	if len(seen) != 4 {
		t.Errorf("shapes in a second: %v", seen)
	}
}
