package recall_test

import (
	"encoding/json"
	"os"
	"testing"

	"callcenter/softphone/internal/recall"
)

// FuzzFile lets the file have any content: what is written over it is whole,
// and what was no use is kept.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"version": 1}`, `{"version": 2}`, `{"version": 1, "recent": ["echo", ""], "microphones": [{"id": "a"}]}`,
		`{"version": 1, "microphone_gain_db": -1e99}`, "\xff", `[1]`, `{"version": 1, "earpieces": [{"id": "\u202e"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := file(t)
		write(t, path, string(content))
		said := run(t, path, func(s *recall.Store) { s.ChooseEarpiece(recall.Device{ID: "ear"}) })
		raw, err := os.ReadFile(path)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%q, %v", raw, err)
		}
		if again := run(t, path, func(s *recall.Store) {
			if e := s.Earpieces(); len(e) == 0 || len(e) > 8 || e[0].ID != "ear" || len(s.Microphones()) > 8 || len(s.Recent()) > 50 {
				t.Errorf("earpieces %q, %d microphones, %d recent", e, len(s.Microphones()), len(s.Recent()))
			}
		}); len(said) > 1 || len(again) != 0 {
			t.Errorf("said %q and %q", said, again)
		}
	})
}
