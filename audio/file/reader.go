package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/resample"
)

const (
	minRate = resample.MinRate
	maxRate = resample.MaxRate
	// readBuffer is what is read from the disk at once.
	readBuffer = 64 << 10
	// blockFrames is how many frames are converted at once.
	blockFrames = 256
)

// Reader plays a WAV file once and then silence. It is an audio.Source for one
// goroutine.
type Reader struct {
	path string
	file io.Closer
	in   *bufio.Reader
	head header

	left  int64 // frames not yet read
	tail  int   // frames of silence still to put behind them, to get the last ones out of the converter
	raw   []byte
	mono  []int16
	conv  *resample.Converter
	out   []int16 // converted
	ready []int16 // the part of out that was not given yet
	skip  int     // samples of the converter's delay still to leave out
	owed  int64   // samples still to give until the file is over

	ended atomic.Bool
	err   atomic.Pointer[error]
}

var _ audio.Source = (*Reader)(nil)

// Open opens the WAV file at path and reads its header. An error is one line
// that names the file; it wraps ErrFormat when the file's content is at fault.
func Open(path string) (*Reader, error) {
	// Before opening: opening a named pipe waits for someone to write.
	info, err := os.Stat(path)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open WAV file %q: not a regular file; name a WAV file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	r, err := newReader(f, info.Size())
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("open WAV file %q: %w", path, err)
	}
	r.path, r.file = path, f
	return r, nil
}

// newReader returns a reader of the file's content.
func newReader(from io.ReaderAt, size int64) (*Reader, error) {
	head, err := readHeader(from, size)
	if err != nil {
		return nil, err
	}
	conv, err := resample.New(head.rate, audio.Rate)
	if err != nil {
		return nil, err
	}
	data := io.NewSectionReader(from, head.start, head.frames*int64(head.frameBytes()))
	return &Reader{
		in:   bufio.NewReaderSize(data, readBuffer),
		head: *head,
		left: head.frames,
		tail: (conv.Delay()+1)*head.rate/audio.Rate + 1,
		raw:  make([]byte, blockFrames*head.frameBytes()),
		mono: make([]int16, blockFrames),
		conv: conv,
		out:  make([]int16, conv.MaxOut(blockFrames)),
		skip: conv.Delay(),
		owed: (head.frames*audio.Rate + int64(head.rate) - 1) / int64(head.rate),
	}, nil
}

// Rate returns the file's own sample rate, in frames a second. It is for any
// goroutine.
func (r *Reader) Rate() int { return r.head.rate }

// Channels returns how many channels the file has. It is for any goroutine.
func (r *Reader) Channels() int { return r.head.channels }

// Duration returns how long the file plays. It is for any goroutine.
func (r *Reader) Duration() time.Duration {
	whole, rest := r.head.frames/int64(r.head.rate), r.head.frames%int64(r.head.rate)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(r.head.rate)
}

// Ended reports whether Fill came to the end of the file and gives silence
// now. It is for any goroutine.
func (r *Reader) Ended() bool { return r.ended.Load() }

// Err returns why the file ended before its time, or nil. It is for any
// goroutine.
func (r *Reader) Err() error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Fill writes the next samples of the file, and silence behind its end. It
// reads from the disk now and then, and does not allocate.
func (r *Reader) Fill(dst []int16) {
	for len(dst) > 0 && r.owed > 0 {
		if len(r.ready) == 0 && !r.convert() {
			break
		}
		n := copy(dst, r.ready[:min(int64(len(r.ready)), r.owed)])
		r.ready = r.ready[n:]
		r.owed -= int64(n)
		dst = dst[n:]
	}
	clear(dst)
	if r.owed == 0 && !r.ended.Load() {
		r.ended.Store(true)
	}
}

// Close closes the file. Fill is not called afterwards.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("close WAV file: %w", err)
	}
	return nil
}

// convert makes the next block ready. It reports false, with nothing owed any
// more, when there is none.
func (r *Reader) convert() bool {
	for len(r.ready) == 0 {
		n := r.read()
		if n == 0 {
			if n = min(r.tail, blockFrames); n == 0 {
				r.owed = 0
				return false
			}
			r.tail -= n
			clear(r.mono[:n])
		}
		r.ready = r.out[:r.conv.Process(r.out, r.mono[:n])]
		late := min(r.skip, len(r.ready))
		r.ready = r.ready[late:]
		r.skip -= late
	}
	return true
}

// read reads the next frames, mixes them down to r.mono, and returns how many
// there were: none at the end.
func (r *Reader) read() int {
	size := r.head.frameBytes()
	want := int(min(r.left, blockFrames))
	if want == 0 {
		return 0
	}
	n, err := io.ReadFull(r.in, r.raw[:want*size])
	frames := n / size
	r.left -= int64(frames)
	if err != nil {
		r.left = 0
		r.fail(err)
	}
	r.head.decode(r.mono[:frames], r.raw)
	return frames
}

// fail keeps why the file ended early.
func (r *Reader) fail(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it became shorter while it was played")
	}
	err = fmt.Errorf("read WAV file %q: %w", r.path, err)
	r.err.Store(&err)
}
