package plain

import (
	"bufio"
	"errors"
	"io"

	"github.com/muesli/cancelreader"
)

// longestLine is how many bytes of a line are read; what is longer is no command.
const longestLine = 1024

// reader brings the lines of an input, one by one as they are taken.
type reader struct {
	lines  chan string // closed at the end of the input
	cancel func() bool // gives up a Read that waits, if that is possible
	left   chan struct{}
	over   chan struct{}
}

func newReader(in io.Reader) *reader {
	r := &reader{
		lines: make(chan string), left: make(chan struct{}), over: make(chan struct{}),
		cancel: func() bool { return false },
	}
	if c, err := cancelreader.NewReader(in); err == nil { // a regular file has none
		in, r.cancel = c, c.Cancel
	}
	go r.read(in)
	return r
}

func (r *reader) read(in io.Reader) {
	defer close(r.over)
	defer close(r.lines)
	if c, ok := in.(io.Closer); ok {
		if _, ours := in.(cancelreader.CancelReader); ours {
			defer func() { _ = c.Close() }()
		}
	}
	buffered := bufio.NewReaderSize(in, longestLine)
	for {
		line, err := readLine(buffered)
		if err != nil && line == "" {
			return
		}
		select {
		case r.lines <- line:
		case <-r.left:
			return
		}
	}
}

// readLine reads a line without its end. Of one that is too long it returns as
// much as there is room for, and skips the rest.
func readLine(in *bufio.Reader) (string, error) {
	part, err := in.ReadSlice('\n')
	line := string(part)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	if err == nil && line == "" {
		line = "\n" // an empty line is no end
	}
	return line, err
}

// close ends the reading. Where it waits for an input that cannot be told to give
// up, it ends with that.
func (r *reader) close() {
	close(r.left)
	if r.cancel() {
		<-r.over
	}
}
