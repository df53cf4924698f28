package sound_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/softphone/internal/sound"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		dir        sound.Direction
		want       sound.Spec
		words      string
		wrong      string // what the error says
	}{
		{name: "nothing is the default device", dir: sound.Capture, words: "default device"},
		{name: "a device's name", text: "Jabra", dir: sound.Capture, want: sound.Spec{Query: "Jabra"}, words: `device "Jabra"`},
		{name: "an id with a colon", text: "hw:0,0", dir: sound.Playback, want: sound.Spec{Query: "hw:0,0"}, words: `device "hw:0,0"`},
		{name: "a file", text: "file:a b.wav", dir: sound.Capture, want: sound.Spec{Kind: sound.File, Path: "a b.wav"}, words: `file "a b.wav"`},
		{name: "a file with a colon", text: "file:a:b", dir: sound.Playback, want: sound.Spec{Kind: sound.File, Path: "a:b"}, words: `file "a:b"`},
		{name: "a tone", text: "tone:440", dir: sound.Capture, want: sound.Spec{Kind: sound.Tone, Hertz: 440}, words: "tone of 440 Hz"},
		{name: "a tone with a fraction", text: "tone:52.5", dir: sound.Capture, want: sound.Spec{Kind: sound.Tone, Hertz: 52.5}, words: "tone of 52.5 Hz"},
		{name: "silence", text: "null", dir: sound.Capture, want: sound.Spec{Kind: sound.Null}, words: "nothing"},
		{name: "a file without a name", text: "file:", dir: sound.Capture, wrong: "names no file"},
		{name: "a tone for the ear", text: "tone:440", dir: sound.Playback, wrong: "is a microphone only"},
		{name: "a tone without a frequency", text: "tone:", dir: sound.Capture, wrong: "has no frequency from 20 to 20000 Hz"},
		{name: "a tone too low", text: "tone:19", dir: sound.Capture, wrong: "has no frequency"},
		{name: "a tone too high", text: "tone:20001", dir: sound.Capture, wrong: "has no frequency"},
		{name: "a tone that is no number", text: "tone:NaN", dir: sound.Capture, wrong: "has no frequency"},
		{name: "something behind null", text: "null:x", dir: sound.Capture, wrong: "something behind null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := sound.Parse(tt.dir, tt.text)
			if tt.wrong != "" {
				if !errors.Is(err, sound.ErrSpec) || !strings.Contains(err.Error(), tt.wrong) {
					t.Fatalf("got %v, want ErrSpec saying %q", err, tt.wrong)
				}
				for _, word := range []string{string(tt.dir), tt.text, "file:PATH", "null"} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%q does not say %q", err, word)
					}
				}
				return
			}
			if err != nil || got != tt.want || got.String() != tt.words {
				t.Errorf("got %+v (%s), %v; want %+v (%s)", got, got, err, tt.want, tt.words)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "null", "tone:440", "tone:1e999", "file:", "file:x", "hw:0,0", "\x1b[31m"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, dir := range []sound.Direction{sound.Capture, sound.Playback} {
			spec, err := sound.Parse(dir, text)
			if err != nil && !errors.Is(err, sound.ErrSpec) {
				t.Errorf("%v is no ErrSpec", err)
			}
			if err == nil && spec.String() == "" {
				t.Errorf("%+v has no words", spec)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	voice, link := filepath.Join(dir, "voice.wav"), filepath.Join(dir, "link.wav")
	if err := os.WriteFile(voice, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(voice, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, capture, playback, wrong string
	}{
		{name: "the defaults"},
		{name: "two files", capture: "file:" + voice, playback: "file:" + filepath.Join(dir, "out.wav")},
		{name: "one file for both", capture: "file:x.wav", playback: "file:x.wav", wrong: "both name"},
		{name: "one file under two names", capture: "file:" + voice, playback: "file:" + link, wrong: "both name"},
		{name: "a wrong microphone", capture: "tone:x", wrong: "capture"},
		{name: "a wrong earpiece", playback: "tone:440", wrong: "playback"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := sound.Check(tt.capture, tt.playback)
			if tt.wrong == "" && err != nil {
				t.Errorf("got %v", err)
			}
			if tt.wrong != "" && (!errors.Is(err, sound.ErrSpec) || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("got %v, want ErrSpec saying %q", err, tt.wrong)
			}
		})
	}
}
