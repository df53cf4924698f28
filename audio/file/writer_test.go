package file

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"callcenter/audio"
)

func create(t testing.TB) (*Writer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.wav")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return w, path
}

// ramp returns n samples that count up.
func ramp(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i)
	}
	return pcm
}

func TestFileHasAPlainHeaderAndTheSamples(t *testing.T) {
	w, path := create(t)
	for _, part := range [][]int16{{1, -2}, {}, {32767}, {-32768, 5}} {
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := simple(format(tagPCM, 1, audio.Rate, 16), pcm16(1, -2, 32767, -32768, 5))
	if !slices.Equal(got, want) {
		t.Errorf("file is\n% x, want\n% x", got, want)
	}
	if info, _ := os.Stat(path); info.Mode().Perm()&0o133 != 0 {
		t.Errorf("mode %v, want 0644 or less", info.Mode())
	}
}

func TestRecordingCanBePlayedBack(t *testing.T) {
	w, path := create(t)
	want := ramp(3*audio.Rate + 17)
	for rest := want; len(rest) > 0; {
		n := min(480, len(rest))
		if err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := play(r, len(want)); !slices.Equal(got, want) || !r.Ended() {
		t.Error("what was recorded is not what is played")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileIsValidUpToTheLastSecondWithoutClose(t *testing.T) {
	w, path := create(t)
	want := ramp(480)
	for range 250 { // 2.5 s
		if err := w.Write(want); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Duration().Seconds() != 2 {
		t.Errorf("%v are readable before Close, want 2 s", r.Duration())
	}
	if got := play(r, 480); !slices.Equal(got, want) {
		t.Error("the samples differ")
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Error(err)
	}
}

func TestCreateEmptiesAnOlderFile(t *testing.T) {
	path := save(t, make([]byte, 100_000))
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write([]int16{1}), w.Close()); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Size() != headerBytes+2 {
		t.Errorf("%d bytes, want %d", info.Size(), headerBytes+2)
	}
}

func TestErrorsOfTheDiskStay(t *testing.T) {
	w, _ := create(t)
	if err := w.file.Close(); err != nil { // every write fails from now on
		t.Fatal(err)
	}
	second := ramp(audio.Rate)
	err := w.Write(second)
	if !errors.Is(err, os.ErrClosed) {
		t.Fatalf("Write = %v", err)
	}
	if again := w.Write(second); again != err {
		t.Errorf("next Write = %v, want the first error", again)
	}
	if closed := w.Close(); closed != err {
		t.Errorf("Close = %v, want the first error", closed)
	}
}

func TestFileEndsBeforeItsSizesOverflow(t *testing.T) {
	w, path := create(t)
	w.data = maxData - 10 // as if 12 hours had been written
	if err := w.Write([]int16{1, 2, 3, 4, 5, 6}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("the sizes overflowed silently")
	}
	head, err := os.ReadFile(path)
	if err != nil || len(head) != headerBytes || binary.LittleEndian.Uint32(head[40:]) != 0 {
		t.Errorf("header % x, %v", head, err)
	}
}

func BenchmarkWrite(b *testing.B) {
	w, _ := create(b)
	pcm := ramp(audio.PeriodSamples)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%100_000 == 0 {
			w.data = 0 // stay small
		}
		if err := w.Write(pcm); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
