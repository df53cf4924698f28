package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"callcenter/audio"
)

const (
	headerBytes = 44
	// flushSamples is how much is written to the disk at once: one second.
	flushSamples = audio.Rate
	// maxData is the most that the sizes in a header can say.
	maxData = math.MaxUint32 - headerBytes
)

// Writer records into a WAV file. It is an audio.Sink for one goroutine. About
// once a second it writes what it has and corrects the header, so the file is
// complete up to then whatever happens to the process.
type Writer struct {
	file *os.File
	buf  []byte // not yet written
	data int64  // bytes of samples in the file
	head [headerBytes]byte
	err  error
}

var _ audio.Sink = (*Writer)(nil)

// Create creates the WAV file at path, or empties the one that is there.
func Create(path string) (*Writer, error) {
	// Before opening: a device or a named pipe cannot have its header corrected.
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("create WAV file %q: not a regular file; name another", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, pathError("create", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, pathError("create", path, err)
	}
	w := &Writer{file: f, buf: make([]byte, 0, 2*flushSamples)}
	if err := w.writeHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// Write appends pcm. It writes to the disk about once a second and does not
// allocate. After an error nothing more is kept, and the same error comes back.
func (w *Writer) Write(pcm []int16) error {
	for len(pcm) > 0 && w.err == nil {
		n := min(len(pcm), (cap(w.buf)-len(w.buf))/2)
		for _, s := range pcm[:n] {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
		}
		pcm = pcm[n:]
		if len(w.buf) == cap(w.buf) {
			w.err = w.flush()
		}
	}
	return w.err
}

// Close writes what is left, corrects the header and closes the file. It
// returns the first error there was.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.flush()
	}
	if err := w.file.Close(); w.err == nil && err != nil {
		w.err = fmt.Errorf("close WAV file: %w", err)
	}
	return w.err
}

// flush writes the buffer behind what the file has, and then its new sizes, so
// that the header never promises more than is there.
func (w *Writer) flush() error {
	if w.data+int64(len(w.buf)) > maxData {
		return fmt.Errorf("write WAV file %q: it is full at 4 GiB (12 hours); start another", w.file.Name())
	}
	if len(w.buf) == 0 {
		return nil
	}
	if _, err := w.file.WriteAt(w.buf, headerBytes+w.data); err != nil {
		return fmt.Errorf("write WAV file: %w", err)
	}
	w.data += int64(len(w.buf))
	w.buf = w.buf[:0]
	return w.writeHeader()
}

// writeHeader writes the header for what the file has now.
func (w *Writer) writeHeader() error {
	b := w.head[:]
	le := binary.LittleEndian
	copy(b[0:], "RIFF")
	le.PutUint32(b[4:], uint32(headerBytes-8+w.data))
	copy(b[8:], "WAVEfmt ")
	le.PutUint32(b[16:], 16) // length of the format
	le.PutUint16(b[20:], tagPCM)
	le.PutUint16(b[22:], 1) // channel
	le.PutUint32(b[24:], audio.Rate)
	le.PutUint32(b[28:], 2*audio.Rate) // bytes a second
	le.PutUint16(b[32:], 2)            // bytes a frame
	le.PutUint16(b[34:], 16)           // bits a sample
	copy(b[36:], "data")
	le.PutUint32(b[40:], uint32(w.data))
	if _, err := w.file.WriteAt(b, 0); err != nil {
		return fmt.Errorf("write WAV file: %w", err)
	}
	return nil
}
