package file

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// FuzzReader feeds files of any content: a reader refuses them with ErrFormat
// or plays exactly as long as it says, without panicking, and with memory that
// does not depend on what the file claims.
// recorded is a file as calls are recorded.
func recorded(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "recorded.wav")
	w, err := Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	pcm := make([]int16, 4800)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(float64(i)/20))
	}
	if err := errors.Join(w.Write(pcm), w.Close()); err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func FuzzReader(f *testing.F) {
	data := pcm16(1, -2, 3, -4, 5, -6, 7, -8)
	f.Add(simple(format(tagPCM, 1, 48000, 16), data))
	f.Add(simple(format(tagPCM, 2, 44100, 16), data))
	f.Add(simple(format(tagPCM, 1, 8000, 8), data[:5]))
	f.Add(simple(format(tagPCM, 1, 1000, 24), data))
	f.Add(simple(format(tagFloat, 1, 384000, 64), data))
	f.Add(simple(extended(tagFloat, 1, 11025, 32), data))
	f.Add(simple(extended(tagPCM, 32, 47999, 16), bytes.Repeat(data, 8)))
	f.Add(simple(format(7, 1, 8000, 8), data))
	f.Add(new(wav).chunk("LIST", []byte("odd")).chunk("data", data).chunk("fmt ", format(tagPCM, 1, 48000, 16)).riff())
	f.Add(new(wav).put("RIFF", uint32(0), "WAVE", "fmt ", uint32(16), format(tagPCM, 1, 48000, 16), "data", uint32(0), data).Bytes())
	f.Add(new(wav).put("RIFF", uint32(0xFFFFFFFF), "WAVE", "data", uint32(0xFFFFFFFF)).Bytes())
	f.Add([]byte("RIFF"))
	f.Add(recorded(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := newReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error without ErrFormat: %v", err)
			}
			return
		}
		if len(r.raw) > blockFrames*maxChannels*8 || len(r.out) > blockFrames*48 {
			t.Fatalf("buffers of %d bytes and %d samples", len(r.raw), len(r.out))
		}
		if r.owed > int64(len(content))*48 {
			t.Fatalf("%d samples out of %d bytes", r.owed, len(content))
		}
		pcm := make([]int16, 4800)
		fills := r.owed/int64(len(pcm)) + 1
		for range fills {
			r.Fill(pcm)
		}
		if !r.Ended() || r.Err() != nil {
			t.Fatalf("after %d fills: ended %v, error %v", fills, r.Ended(), r.Err())
		}
	})
}
