package audiotest

import (
	"path/filepath"
	"testing"

	"callcenter/audio/file"
)

// WAV writes pcm to a file in a folder of the test's own and returns its path.
func WAV(tb testing.TB, pcm []int16) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "speech.wav")
	w, err := file.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Write(pcm); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}
