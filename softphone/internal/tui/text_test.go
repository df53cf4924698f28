package tui

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/printable"
)

func TestCleanLeavesTextOnly(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text", "USB Headset", "USB Headset"},
		{"other scripts", "Καλώδιο 呼叫中心", "Καλώδιο 呼叫中心"},
		{"a colour sequence", "a\x1b[31mb\x1b[0mc", "abc"},
		{"a title sequence", "a\x1b]0;owned\x07b", "ab"},
		{"a clipboard sequence", "a\x1b]52;c;AAAA\x1b\\b", "ab"},
		{"lines and tabs", "a\r\nb\tc\u2028d", "a  b c d"},
		{"direction overrides", "a\u202eb\u2066c", "abc"},
		{"zero width", "a\u200b\u200db\ufeff", "ab"},
		{"too many marks", "e\u0301\u0302\u0303\u0304x", "e\u0301\u0302x"},
		{"bytes that are no text", "a\xff\xfeb", "ab"},
		{"a variation selector", "❤\ufe0f", "❤"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clean(c.in); got != c.want {
				t.Errorf("clean(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
	if n := utf8.RuneCountInString(clean(strings.Repeat("é", 10*printable.Longest))); n != printable.Longest {
		t.Errorf("%d characters of a long text", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2Jb", "\x9b31m", "e\u0301\u0301\u0301", "👩‍👩‍👧‍👦", "\xff\xc0", "===\U00011a87", "\u0903a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%U is left in %q", r, got)
			}
		}
		for _, width := range []int{0, 1, 2, 7} {
			if w := lipgloss.Width(pad(got, width)); w != width {
				t.Fatalf("pad(%q, %d) is %d wide", got, width, w)
			}
		}
		notice := message{&styles{}, callstate.Notice{Text: got}, 4}.Render(20)
		for line := range strings.Lines(notice) {
			if lipgloss.Width(strings.TrimSuffix(line, "\n")) > 20 {
				t.Fatalf("the message is too wide: %q", notice)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		number(2140 * time.Microsecond):                    "2.1",
		number(99949 * time.Microsecond):                   "99.9",
		number(99951 * time.Microsecond):                   "100",
		number(1234 * time.Millisecond):                    "1234",
		percent(0, 2):                                      "0.00",
		percent(0.001, 2):                                  "<0.01",
		percent(0.04, 1):                                   "<0.1",
		percent(4.714, 2):                                  "4.71",
		percent(100, 2):                                    "100",
		clock(12*time.Minute + 34*time.Second):             "0:12:34",
		clock(27*time.Hour + 999*time.Millisecond):         "27:00:00",
		clock(-time.Second):                                "0:00:00",
		lostTime(0):                                        "0",
		lostTime(1):                                        "<1",
		lostTime(480):                                      "10",
		decibels(-12.34, true):                             "-12.3",
		decibels(3, true):                                  "  0.0",
		decibels(-60, true):                                " <-60",
		decibels(math.NaN(), true):                         " <-60",
		decibels(math.Inf(-1), false):                      "    –",
		share("", "", 0, callstate.Traffic{}, false).value: "",
		share("", "", 1, callstate.Traffic{Received: 98, Lost: 1, Dropped: 1}, false).value: "1.00",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMeterCells(t *testing.T) {
	for _, c := range []struct {
		name  string
		level callstate.Meter
		want  string
	}{
		{"silence", silence, "············"},
		{"no number", callstate.Meter{Peak: math.NaN(), RMS: math.NaN(), Hold: math.NaN()}, "············"},
		{"half scale", callstate.Meter{Peak: -30, RMS: -120, Hold: -30}, "██████│·····"},
		{"peak, RMS and hold", callstate.Meter{Peak: -12, RMS: -32, Hold: -5}, "█████┃███▋·│"},
		{"full scale", callstate.Meter{Peak: 0, RMS: -3, Hold: 0}, "███████████┃"},
		{"above full scale", callstate.Meter{Peak: 6, RMS: -60, Hold: 9}, "███████████│"},
		{"a sliver", callstate.Meter{Peak: -58, RMS: -120, Hold: -120}, "▍···········"},
		{"RMS without a peak", callstate.Meter{Peak: -120, RMS: -20, Hold: -120}, "········┃···"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := meter{st: &styles{}, level: c.level}
			if got := m.bar(12); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestMeterVerdict(t *testing.T) {
	for _, c := range []struct {
		peak, rms float64
		open      bool
		want      string
	}{
		{-120, -120, false, ""},
		{-120, -120, true, "silent"},
		{-40, -28.1, true, "low"},
		{-10, -28, true, "good"},
		{-10, -16, true, "good"},
		{-10, -15.9, true, "loud"},
		{-3, -20, true, "good"},
		{-2.9, -20, true, "too loud"},
	} {
		m := meter{st: &styles{}, read: callstate.Meter{Peak: c.peak, RMS: c.rms}, open: c.open}
		if got, _ := m.verdict(); got != c.want {
			t.Errorf("peak %v, RMS %v: %q, want %q", c.peak, c.rms, got, c.want)
		}
	}
}

func TestDeviceSaysWhatIsOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		open *audio.Endpoint
		want string
	}{
		{"nothing", nil, "Earpiece    none open"},
		{"a generator", &audio.Endpoint{Name: "tone:440", Backend: "tone"}, "Earpiece    tone:440, tone"},
		{"null", &audio.Endpoint{Name: "null", Backend: "null"}, "Earpiece    null"},
		{"a monitor", &audio.Endpoint{Name: "Monitor of Speakers", Monitor: true, Rate: 48000}, "Earpiece    MONITOR Monitor of Speakers, 48 kHz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := device{&styles{}, "Earpiece", "ear", c.open, callstate.End{}}
			if got := d.Render(78); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestNoLineBreaksWithinAFlag(t *testing.T) {
	const text = "The server does not answer: check that it runs, or name another with --server HOST:PORT, a-b-c."
	for width := 10; width < 100; width++ {
		lines := wrap(text, width)
		if got := strings.Join(lines, " "); got != text {
			t.Fatalf("at %d cells: %q", width, lines)
		}
		for _, line := range lines {
			if span(line) > width {
				t.Errorf("%q is wider than %d cells", line, width)
			}
		}
	}
}
