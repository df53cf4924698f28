package device

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "Jabra Evolve 65 — Mono", "Jabra Evolve 65 — Mono"},
		{"colours go", "a\x1b[1;31mred\x1b[0mb", "aredb"},
		{"a window title goes", "a\x1b]0;title\x07b\x1b]0;t\x1b\\c", "abc"},
		{"a sequence without an end takes all", "a\x1b[12", "a"},
		{"a two-byte escape goes", "a\x1bcb", "ab"},
		{"a lone escape goes", "a\x1b", "a"},
		{"control characters go", "a\x00\x07\u009bb\x7f", "ab"},
		{"text direction cannot be turned", "a\u202eb", "ab"},
		{"bytes that are no text go", "a\xff\xfeb", "ab"},
		{"white space becomes one space", "  a \t\r\n b  ", "a b"},
		{"64 characters remain", strings.Repeat("ä", 70), strings.Repeat("ä", 64)},
		{"a cut leaves no space at the end", strings.Repeat("a", 63) + " b", strings.Repeat("a", 63)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := clean(tt.in, maxName); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "Headset", "\x1b[31m", "\x1b]0;x\x1b\\y", "\xff", "a \u202e b", strings.Repeat("é ", 90)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := clean(in, maxName)
		if n := utf8.RuneCountInString(got); n > maxName || !utf8.ValidString(got) {
			t.Errorf("%d characters: %q", n, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || !unicode.IsGraphic(r) }) {
			t.Errorf("%q has a character that is not for screens", got)
		}
		if got != strings.TrimSpace(got) || clean(got, maxName) != got {
			t.Errorf("%q is not clean yet", got)
		}
	})
}

func TestParseGranted(t *testing.T) {
	t.Parallel()
	capture := []string{"[PulseAudio]\n", "  Mic (Capture)\n", "    Format:      s32 -> s16\n", "    Channels:    2 -> 1\n", "    Sample Rate: 44100 -> 48000\n", "    Buffer Size: 441*3 (1323)\n"}
	playback := []string{"    Channels:    1 -> 6\n", "    Sample Rate: 48000 -> 96000\n", "    Buffer Size: 960*2 (1920)\n"}
	for _, tt := range []struct {
		name  string
		lines []string
		dir   Direction
		want  granted
	}{
		{"a microphone has its own side on the left", capture, Capture, granted{44100, 2, 3, 10 * time.Millisecond}},
		{"a loudspeaker has its own side on the right", playback, Playback, granted{96000, 6, 2, 10 * time.Millisecond}},
		{"what is not said is not known", []string{"Sample Rate: fast", "Buffer Size: 480*3"}, Capture, granted{periods: 3}},
		{"nothing is said", nil, Playback, granted{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parseGranted(tt.lines, tt.dir); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTheLogTapNeverBlocks(t *testing.T) {
	t.Parallel()
	tap := newTap()
	for range 10 * cap(tap.lines) {
		tap.add("noise")
	}
	if got := len(tap.drain(nil)); got != cap(tap.lines) {
		t.Errorf("kept %d lines, want %d", got, cap(tap.lines))
	}
}

func TestTheEnvironmentMovesTheDefaultMark(t *testing.T) {
	t.Parallel()
	env := func(value string) func(string) (string, bool) {
		return func(key string) (string, bool) { return value, key == "PULSE_SOURCE" }
	}
	for _, tt := range []struct {
		name    string
		backend Backend
		env     string
		want    string
	}{
		{"a name that exists", PulseAudio, "b", "b"},
		{"a name that does not exist leaves no default", PulseAudio, "c", ""},
		{"an empty name leaves no default", PulseAudio, "", ""},
		{"the server's default by its alias", PulseAudio, "@DEFAULT_SOURCE@", "a"},
		{"another sound system", ALSA, "b", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &session{backend: tt.backend, devices: []entry{
				{Info: Info{ID: "a", Direction: Capture, Default: true}},
				{Info: Info{ID: "b", Direction: Capture}},
				{Info: Info{ID: "p", Direction: Playback, Default: true}},
			}}
			s.applyEnv(Capture, env(tt.env))
			s.applyEnv(Playback, env(tt.env))
			got := ""
			for _, e := range s.devices[:2] {
				if e.Default {
					got += e.ID
				}
			}
			if got != tt.want {
				t.Errorf("the default is %q, want %q", got, tt.want)
			}
			if !s.devices[2].Default {
				t.Error("PULSE_SOURCE moved the default of playback")
			}
		})
	}
}

func TestALSAPluginsAreNoDevices(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		backend Backend
		id      string
		want    bool
	}{
		{ALSA, "null", true},
		{ALSA, "pulse", true},
		{ALSA, ":0,0", false},
		{ALSA, "default", false},
		{PulseAudio, "null", false},
	} {
		if got := (entry{Info: Info{ID: tt.id, Backend: tt.backend}}).plugin(); got != tt.want {
			t.Errorf("%s %q: got %v, want %v", tt.backend, tt.id, got, tt.want)
		}
	}
}

func TestADeviceIsFoundAgainByItsID(t *testing.T) {
	t.Parallel()
	list := []Info{
		{ID: "usb_headset_2", Name: "Headset", Direction: Capture},
		{ID: "desk", Name: "Desk", Direction: Capture, Default: true},
		{ID: "usb_headset", Name: "Headset", Direction: Playback},
	}
	for _, tt := range []struct {
		name, id, query, want string
		err                   error
	}{
		{"the same again, whatever the query names", "desk", "headset", "desk", nil},
		{"what the query names, if the same is not there", "usb_headset", "headset", "usb_headset_2", nil},
		{"no other without a query, however alike", "usb_headset", "", "", ErrUnknownDevice},
		{"the default before there was one", "", "", "desk", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := findAgain(list, Capture, tt.id, tt.query); got.ID != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("found %q, %v", got.ID, err)
			}
		})
	}
}

func TestADefaultIsPinnedWhereStreamsAreMoved(t *testing.T) {
	t.Setenv("PULSE_SOURCE", "@DEFAULT_SOURCE@") // that is, none
	for _, tt := range []struct {
		backend   Backend
		id, query string
		pinned    bool
	}{
		{PulseAudio, "", "", true},
		{PulseAudio, "desk", "", true},
		{CoreAudio, "", "", true},
		{ALSA, "", "", false},
		{ALSA, "desk", "", false},
		{ALSA, "", "desk", true},
	} {
		s := &session{backend: tt.backend, devices: []entry{{Info: Info{ID: "desk", Name: "Desk", Direction: Capture, Default: true}}}}
		info, handle, err := s.find(Capture, tt.id, tt.query)
		if err != nil || info.ID != "desk" || (handle != nil) != tt.pinned {
			t.Errorf("%+v: found %q, by its id: %v, %v", tt, info.ID, handle != nil, err)
		}
	}
}
