package file

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// wav builds WAV files, right and wrong ones.
type wav struct{ bytes.Buffer }

func (w *wav) put(values ...any) *wav {
	for _, v := range values {
		if s, ok := v.(string); ok {
			w.WriteString(s)
			continue
		}
		if err := binary.Write(&w.Buffer, binary.LittleEndian, v); err != nil {
			panic(err) // a value of no fixed size: the test is wrong
		}
	}
	return w
}

// chunk appends a chunk with its padding.
func (w *wav) chunk(id string, content []byte) *wav {
	w.put(id, uint32(len(content)), content)
	if len(content)%2 == 1 {
		w.put(byte(0))
	}
	return w
}

// riff returns the whole file.
func (w *wav) riff() []byte {
	var out wav
	out.put("RIFF", uint32(4+w.Len()), "WAVE", w.Bytes())
	return out.Bytes()
}

// format returns the content of a format chunk.
func format(tag, channels, rate, bits int) []byte {
	var w wav
	frame := channels * bits / 8
	w.put(uint16(tag), uint16(channels), uint32(rate), uint32(rate*frame), uint16(frame), uint16(bits))
	return w.Bytes()
}

// extended returns the content of an extensible format chunk.
func extended(tag, channels, rate, bits int) []byte {
	var w wav
	w.put(format(tagExtensible, channels, rate, bits), uint16(22), uint16(bits), uint32(0), uint16(tag), guidTail)
	return w.Bytes()
}

// simple returns a file of one format and one data chunk.
func simple(format, data []byte) []byte {
	return new(wav).chunk("fmt ", format).chunk("data", data).riff()
}

// pcm16 returns samples as a data chunk has them.
func pcm16(samples ...int16) []byte {
	var w wav
	w.put(samples)
	return w.Bytes()
}

// encode returns values of -1 to 1 as samples of that kind.
func encode(tag, bits int, values []float64) []byte {
	var w wav
	for _, v := range values {
		switch {
		case tag == tagFloat && bits == 32:
			w.put(float32(v))
		case tag == tagFloat:
			w.put(v)
		case bits == 8:
			w.put(uint8(math.Round(v*127) + 128))
		case bits == 16:
			w.put(int16(math.Round(v * 32767)))
		case bits == 24:
			x := int32(math.Round(v * (1<<23 - 1)))
			w.put(uint8(x), uint8(x>>8), uint8(x>>16))
		default:
			w.put(int32(math.Round(v * (1<<31 - 1))))
		}
	}
	return w.Bytes()
}

// save writes a file and returns its path.
func save(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.wav")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens a file of that content.
func open(t testing.TB, content []byte) *Reader {
	t.Helper()
	r, err := Open(save(t, content))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// play returns the next n samples, asked for in periods.
func play(r *Reader, n int) []int16 {
	pcm := make([]int16, n)
	for rest := pcm; len(rest) > 0; {
		part := rest[:min(480, len(rest))]
		r.Fill(part)
		rest = rest[len(part):]
	}
	return pcm
}
