package playlog

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

const (
	// headerBytes is the room for a header that is corrected later: spaces fill
	// it.
	headerBytes = 64
	// flushBytes is how much a TraceFile gathers at most: about a second.
	flushBytes = 4096
)

// AppendHeader appends the first line of the trace to dst.
func (t Trace) AppendHeader(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, "# frame_ms="...), int64(t.FrameMS), 10)
	dst = strconv.AppendFloat(append(dst, " rtt_ms="...), t.RTTMS, 'f', -1, 64)
	return append(dst, '\n')
}

// TraceFile writes a trace while it comes about. Whole lines are written, and
// the header is corrected, with every Flush, so the file is a trace up to then
// whatever happens to the process. It is for one goroutine.
type TraceFile struct {
	file *os.File
	buf  []byte // whole lines, not yet written
	at   int64
	head Trace
	err  error
}

// CreateTrace creates the trace at path, or empties the one that is there.
func CreateTrace(path string, frameMS int) (*TraceFile, error) {
	// Before opening: a device or a named pipe cannot have its header corrected.
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("create trace %q: not a regular file; name another", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, pathError("create", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, pathError("create", path, err)
	}
	f := &TraceFile{file: file, at: headerBytes, head: Trace{FrameMS: frameMS}, buf: make([]byte, 0, 2*flushBytes)}
	if f.Flush(); f.err != nil {
		return nil, errors.Join(f.err, file.Close())
	}
	return f, nil
}

// SetHeader says what the header is to be from the next Flush on. The round
// trip is rounded to µs.
func (f *TraceFile) SetHeader(frameMS int, rttMS float64) {
	f.head = Trace{FrameMS: frameMS, RTTMS: float64(int64(rttMS*1000+0.5)) / 1000}
}

// Add appends a packet. It writes now and then. After an error nothing more is
// kept, and the same error comes back from Close.
func (f *TraceFile) Add(p Packet) {
	f.buf = p.Append(f.buf)
	if len(f.buf) >= flushBytes {
		f.Flush()
	}
}

// Flush writes what is not yet in the file, and the header.
func (f *TraceFile) Flush() {
	if f.err == nil {
		if _, err := f.file.WriteAt(f.buf, f.at); err != nil {
			f.err = fmt.Errorf("write trace: %w", err)
		}
		f.at += int64(len(f.buf))
	}
	f.buf = f.buf[:0]
	if f.err == nil {
		if _, err := f.file.WriteAt(f.header(), 0); err != nil {
			f.err = fmt.Errorf("write trace: %w", err)
		}
	}
}

// header is the first line, of headerBytes.
func (f *TraceFile) header() []byte {
	line := f.head.AppendHeader(make([]byte, 0, headerBytes))
	line = line[:len(line)-1]
	for len(line) < headerBytes-1 {
		line = append(line, ' ')
	}
	return append(line, '\n')
}

// Close writes what is left, moves all arrivals by shiftUS and closes the file.
// It returns the first error there was; the file is then a trace all the same,
// perhaps not shifted.
func (f *TraceFile) Close(shiftUS int64) error {
	f.Flush()
	if f.err == nil && shiftUS != 0 {
		f.err = f.shift(shiftUS)
	}
	if err := f.file.Close(); f.err == nil && err != nil {
		f.err = fmt.Errorf("close trace: %w", err)
	}
	return f.err
}

// shift replaces the file by one whose arrivals are later by us.
func (f *TraceFile) shift(us int64) error {
	if _, err := f.file.Seek(0, 0); err != nil {
		return fmt.Errorf("read trace again: %w", err)
	}
	t, err := ReadTrace(f.file)
	if err != nil {
		return fmt.Errorf("read trace again: %w", err)
	}
	for i := range t.Packets {
		t.Packets[i].ArriveUS += us
	}
	return WriteTrace(f.file.Name(), t)
}

// WriteTrace writes a trace to path. Only when all of it is written does it take
// the place of what was there.
func WriteTrace(path string, t Trace) error {
	return write(path, func(w *bufio.Writer) {
		line := t.AppendHeader(nil)
		_, _ = w.Write(line) // the Writer keeps its first error
		for _, p := range t.Packets {
			line = p.Append(line[:0])
			_, _ = w.Write(line)
		}
	})
}

// WriteLog writes a play log to path. Only when all of it is written does it
// take the place of what was there.
func WriteLog(path string, log []Line) error {
	return write(path, func(w *bufio.Writer) {
		var line []byte
		for _, l := range log {
			line = l.Append(line[:0])
			_, _ = w.Write(line)
		}
	})
}

func write(path string, content func(*bufio.Writer)) error {
	// A device would be replaced by a file, and so would a link.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %q: not a regular file; name another", path)
	}
	target := path
	if linked, err := filepath.EvalSymlinks(path); err == nil {
		target = linked
	}
	part := target + "." + rand.Text()[:8] + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %q: %w; check the path and who may use it", path, bare(err))
	}
	w := bufio.NewWriter(f)
	content(w)
	if err = errors.Join(w.Flush(), f.Close()); err == nil {
		err = os.Rename(part, target)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %q: %w", path, bare(err)), os.Remove(part))
	}
	return nil
}

// bare returns err without the system call and the path, which the caller says.
func bare(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
