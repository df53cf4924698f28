package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"callcenter/audio"
)

func TestSixteenBitMonoAt48kHzComesOutUnchangedThenSilence(t *testing.T) {
	want := make([]int16, 1234)
	for i := range want {
		want[i] = int16(i*53 - 32768)
	}
	r := open(t, simple(format(tagPCM, 1, 48000, 16), pcm16(want...)))
	if r.Rate() != 48000 || r.Channels() != 1 || r.Duration() != audio.Duration(1234) {
		t.Errorf("rate %d, channels %d, duration %v", r.Rate(), r.Channels(), r.Duration())
	}
	if got := play(r, 1233); !slices.Equal(got, want[:1233]) || r.Ended() {
		t.Fatalf("the samples differ, or the file ended early (%v)", r.Ended())
	}
	got := []int16{9, 9, 9}
	r.Fill(got)
	if got[0] != want[1233] || got[1] != 0 || got[2] != 0 || !r.Ended() || r.Err() != nil {
		t.Errorf("at the end: %v, ended %v, error %v", got, r.Ended(), r.Err())
	}
	if got := play(r, 5000); slices.Max(got) != 0 || slices.Min(got) != 0 {
		t.Error("there is sound behind the end")
	}
}

// Every kind of sample, rate and channel count gives the same sine at the same
// time, at the same level.
func TestEveryKindOfFileGivesTheSameSound(t *testing.T) {
	const hz, amplitude, seconds = 200.0, 0.5, 0.1
	for _, kind := range []struct{ tag, bits int }{
		{tagPCM, 8},
		{tagPCM, 16},
		{tagPCM, 24},
		{tagPCM, 32},
		{tagFloat, 32},
		{tagFloat, 64},
	} {
		for _, rate := range []int{1000, 8000, 11025, 44100, 48000, 384000} {
			for _, channels := range []int{1, 3, 32} {
				if rate > 8000 && channels > 3 || rate == 384000 && channels > 1 {
					continue
				}
				values := make([]float64, 0, int(seconds*float64(rate))*channels)
				for i := range int(seconds * float64(rate)) {
					v := amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
					for range channels {
						values = append(values, v)
					}
				}
				data := encode(kind.tag, kind.bits, values)
				head := format(kind.tag, channels, rate, kind.bits)
				if channels > 1 {
					head = extended(kind.tag, channels, rate, kind.bits)
				}
				name := fmt.Sprintf("%s of %d bits, %d Hz, %d channels", tagName(kind.tag), kind.bits, rate, channels)
				r := open(t, simple(head, data))
				compareSine(t, name, play(r, int(seconds*audio.Rate)), hz, 32767*amplitude)
				if !r.Ended() || r.Err() != nil {
					t.Errorf("%s: ended %v, error %v", name, r.Ended(), r.Err())
				}
			}
		}
	}
}

// compareSine checks that pcm is a sine that began with its first sample, away
// from both ends, where the filter sees silence.
func compareSine(t *testing.T, name string, pcm []int16, hz, amplitude float64) {
	t.Helper()
	worst := 0.0
	for i := len(pcm) / 4; i < len(pcm)*3/4; i++ {
		want := amplitude * math.Sin(2*math.Pi*hz*float64(i)/audio.Rate)
		worst = max(worst, math.Abs(float64(pcm[i])-want))
	}
	if worst > 0.03*amplitude {
		t.Errorf("%s: a sample is off by %.0f of %.0f", name, worst, amplitude)
	}
}

func TestChannelsAreMixedByTheirMean(t *testing.T) {
	r := open(t, simple(format(tagPCM, 2, 48000, 16), pcm16(1000, 3000, -32768, -32768, 32767, 32767, 500, -500)))
	if got, want := play(r, 4), []int16{2000, -32768, 32767, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFloatsOutOfRangeAreCutAndNaNIsSilence(t *testing.T) {
	var data wav
	for _, v := range []float64{1, -1, 1.5, -7e30, math.Inf(1), math.Inf(-1), math.NaN(), 0.25} {
		data.put(float32(v))
	}
	r := open(t, simple(format(tagFloat, 1, 48000, 32), data.Bytes()))
	want := []int16{32767, -32768, 32767, -32768, 32767, -32768, 0, 8192}
	if got := play(r, len(want)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheSoundIsWholeAndInPlaceAfterConversion(t *testing.T) {
	// Two spikes at the first and at the last frame of an 8 kHz file.
	pcm := make([]int16, 800)
	pcm[0], pcm[799] = 20000, 20000
	r := open(t, simple(format(tagPCM, 1, 8000, 16), pcm16(pcm...)))
	got := play(r, 4800)
	if !r.Ended() {
		t.Error("more than 100 ms came out")
	}
	if at := slices.Index(got, slices.Max(got[:2400])); at > 1 {
		t.Errorf("the first spike is at %d, want 0", at)
	}
	if at := 2400 + slices.Index(got[2400:], slices.Max(got[2400:])); at < 4793 || at > 4795 {
		t.Errorf("the last spike is at %d, want 4794", at)
	}
}

func TestChunksMayComeInAnyOrder(t *testing.T) {
	head, data := format(tagPCM, 1, 48000, 16), pcm16(11, 22, 33)
	odd := []byte("a comment of odd length")
	for _, tc := range []struct {
		name    string
		content []byte
	}{
		{"format, data", new(wav).chunk("fmt ", head).chunk("data", data).riff()},
		{"data, format", new(wav).chunk("data", data).chunk("fmt ", head).riff()},
		{"odd comment first", new(wav).chunk("LIST", odd).chunk("fmt ", head).chunk("data", data).riff()},
		{"odd comments everywhere", new(wav).chunk("bext", odd).chunk("data", data).chunk("fact", odd).chunk("fmt ", head).chunk("id3 ", odd).riff()},
		{"second data chunk", new(wav).chunk("fmt ", head).chunk("data", data).chunk("data", pcm16(9)).riff()},
		{"format with an empty extension", new(wav).chunk("fmt ", append(slices.Clone(head), 0, 0)).chunk("data", data).riff()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := open(t, tc.content)
			if got := play(r, 4); !slices.Equal(got, []int16{11, 22, 33, 0}) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestFilesThatWereNotFinishedPlayToTheirEnd(t *testing.T) {
	head, data := format(tagPCM, 1, 48000, 16), pcm16(11, 22, 33)
	build := func(riff, size uint32, data []byte) []byte {
		return new(wav).put("RIFF", riff, "WAVE", "fmt ", uint32(16), head, "data", size, data).Bytes()
	}
	for _, tc := range []struct {
		name    string
		content []byte
		want    []int16
	}{
		{"sizes left at 0", build(0, 0, data), []int16{11, 22, 33, 0}},
		{"sizes of a pipe", build(0xFFFFFFFF, 0xFFFFFFFF, data), []int16{11, 22, 33, 0}},
		{"cut off", build(36+200, 200, data), []int16{11, 22, 33, 0}},
		{"cut off within a sample", build(36+200, 200, data[:5]), []int16{11, 22, 0, 0}},
		{"header behind the data", build(36+4, 4, data), []int16{11, 22, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := play(open(t, tc.content), 4); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestBrokenFilesAreRefusedInOneLineThatSaysWhy(t *testing.T) {
	good := format(tagPCM, 1, 48000, 16)
	data := pcm16(1, 2, 3)
	with := func(at int, b byte) []byte {
		f := slices.Clone(good)
		f[at] = b
		return f
	}
	many := new(wav).chunk("fmt ", good)
	for range maxChunks {
		many.chunk("junk", nil)
	}
	wrongGUID := extended(tagPCM, 1, 48000, 16)
	wrongGUID[39]++
	for _, tc := range []struct {
		name    string
		content []byte
		says    string
	}{
		{"empty", nil, "only 0 bytes"},
		{"cut off in its first words", []byte("RIFF1234WAV"), "only 11 bytes"},
		{"an MP3", append([]byte("ID3\x04"), make([]byte, 100)...), `begins with "ID3\x04"`},
		{"an AVI", new(wav).put("RIFF", uint32(4), "AVI ").Bytes(), "begins with"},
		{"RF64", new(wav).put("RF64", uint32(4), "WAVE").Bytes(), "its kind is RF64"},
		{"big-endian", new(wav).put("RIFX", uint32(4), "WAVE").Bytes(), "its kind is RIFX"},
		{"no chunks", new(wav).riff(), "format chunk is missing"},
		{"no format", new(wav).chunk("data", data).riff(), "format chunk is missing"},
		{"no data", new(wav).chunk("fmt ", good).riff(), "data chunk is missing"},
		{"format too short", simple(good[:14], data), "14 bytes instead of 16"},
		{"format cut off", simple(good, data)[:30], "format chunk is missing"},
		{"two formats", new(wav).chunk("fmt ", good).chunk("fmt ", good).chunk("data", data).riff(), "two formats"},
		{"no samples", simple(good, nil), "no audio"},
		{"half a sample", simple(good, data[:1]), "no audio"},
		{"mu-law", simple(format(7, 1, 8000, 8), data), "mu-law of 8 bits"},
		{"A-law", simple(format(6, 1, 8000, 8), data), "A-law of 8 bits"},
		{"ADPCM", simple(format(2, 1, 8000, 4), data), "ADPCM of 4 bits"},
		{"an unknown kind", simple(format(0x4711, 1, 8000, 16), data), "unknown kind 0x4711"},
		{"12-bit PCM", simple(with(14, 12), data), "PCM of 12 bits"},
		{"16-bit floats", simple(format(tagFloat, 1, 48000, 16), data), "floats of 16 bits"},
		{"no channels", simple(with(2, 0), data), "0 channels"},
		{"33 channels", simple(format(tagPCM, 33, 48000, 16), data), "33 channels"},
		{"rate 0", simple(format(tagPCM, 1, 0, 16), data), "rate is 0 Hz"},
		{"rate too low", simple(format(tagPCM, 1, 999, 16), data), "rate is 999 Hz"},
		{"rate too high", simple(format(tagPCM, 1, 384001, 16), data), "rate is 384001 Hz"},
		{"wrong frame size", simple(with(12, 4), data), "4 bytes instead of 2"},
		{"extended, but short", simple(extended(tagPCM, 1, 48000, 16)[:18], data), "extended format"},
		{"extended, of another kind", simple(wrongGUID, data), "extended format"},
		{"too many chunks", many.chunk("data", data).riff(), "more than 1000 chunks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := save(t, tc.content)
			_, err := Open(path)
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("Open = %v, want ErrFormat", err)
			}
			msg := err.Error()
			if !strings.Contains(msg, tc.says) || !strings.Contains(msg, path) || strings.Contains(msg, "\n") {
				t.Errorf("%q does not say %q of the file in one line", msg, tc.says)
			}
			if !strings.Contains(msg, "convert it") && !strings.Contains(msg, "record it again") {
				t.Errorf("%q does not say what to do", msg)
			}
		})
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe} {
		if _, err := Open(path); err == nil || errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("Open(%q) = %v", path, err)
		}
		if _, err := Create(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("Create(%q) = %v", path, err)
		}
	}
	gone := filepath.Join(dir, "no", "such.wav")
	if _, err := Open(gone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing = %v", err)
	}
	if _, err := Create(gone); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "check the path") {
		t.Errorf("Create nowhere = %v", err)
	}
}

func TestAFileThatShrinksEndsWithAnError(t *testing.T) {
	path := save(t, simple(format(tagPCM, 1, 48000, 16), make([]byte, 1<<20)))
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	play(r, 480)
	if err := os.Truncate(path, 200_000); err != nil {
		t.Fatal(err)
	}
	play(r, 1<<19)
	if !r.Ended() || r.Err() == nil || !strings.Contains(r.Err().Error(), "shorter") {
		t.Errorf("ended %v, error %v", r.Ended(), r.Err())
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// failing returns an error for what lies behind the header.
type failing struct{ head []byte }

var errDisk = errors.New("input/output error")

func (f failing) ReadAt(b []byte, at int64) (int, error) {
	if at < int64(len(f.head)) {
		return bytes.NewReader(f.head).ReadAt(b, at)
	}
	return 0, errDisk
}

func TestADiskThatFailsEndsTheFileWithItsError(t *testing.T) {
	content := simple(format(tagPCM, 1, 48000, 16), make([]byte, 5000))
	r, err := newReader(failing{content[:44]}, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	play(r, 960)
	if !r.Ended() || !errors.Is(r.Err(), errDisk) {
		t.Errorf("ended %v, error %v", r.Ended(), r.Err())
	}
	if _, err := newReader(failing{content[:20]}, int64(len(content))); !errors.Is(err, errDisk) {
		t.Errorf("header on a bad disk: %v", err)
	}
}

func TestAnHourOpensAtOnce(t *testing.T) {
	const size = 44 + 3600*2*48000
	head := new(wav).put("RIFF", uint32(size-8), "WAVE", "fmt ", uint32(16), format(tagPCM, 1, 48000, 16), "data", uint32(size-44)).Bytes()
	r, err := newReader(failing{head}, size)
	if err != nil {
		t.Fatal(err)
	}
	if r.Duration() != time.Hour {
		t.Errorf("duration %v", r.Duration())
	}
}

func BenchmarkFill(b *testing.B) {
	for _, rate := range []int{48000, 44100} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			const size = 1 << 30
			head := new(wav).put("RIFF", uint32(size-8), "WAVE", "fmt ", uint32(16), format(tagPCM, 2, rate, 16), "data", uint32(size-44)).Bytes()
			r, err := newReader(zeros{head}, size)
			if err != nil {
				b.Fatal(err)
			}
			pcm := make([]int16, audio.PeriodSamples)
			b.ReportAllocs()
			for b.Loop() {
				r.Fill(pcm)
			}
		})
	}
}

// zeros is a header and then an endless file of zeros.
type zeros struct{ head []byte }

func (z zeros) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	if at < int64(len(z.head)) {
		copy(b, z.head[at:])
	}
	return len(b), nil
}

var _ io.ReaderAt = zeros{}
