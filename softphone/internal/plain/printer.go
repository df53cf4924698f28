package plain

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"callcenter/softphone/internal/printable"
)

const (
	// backlog is how many lines may wait for an output that takes none, several
	// times the longest answer. What comes then is dropped, counted and told.
	backlog = 512
	// farewell is how long the end waits for the output.
	farewell = time.Second
)

// printer writes lines in a goroutine of its own, a Write for each: a terminal
// that was stopped, or a pipe that nobody reads, stops nothing else.
type printer struct {
	spelling printable.Spelling
	lines    chan string
	dropped  atomic.Uint64
	broken   chan struct{} // closed when the output is gone
	over     chan struct{} // closed when the writer is
	err      error         // after broken
}

func newPrinter(w io.Writer) *printer {
	p := &printer{
		spelling: printable.NewSpelling(), lines: make(chan string, backlog),
		broken: make(chan struct{}), over: make(chan struct{}),
	}
	go p.write(w)
	return p
}

// queue takes a line to be written.
func (p *printer) queue(line string) {
	select {
	case p.lines <- line:
	default:
		p.dropped.Add(1)
	}
}

func (p *printer) write(w io.Writer) {
	defer close(p.over)
	for line := range p.lines {
		if n := p.dropped.Load(); n > 0 && len(p.lines) < backlog/2 {
			p.dropped.Add(-n)
			line += fmt.Sprintf("\n%d lines were left out here or before: nobody read them.", n)
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			p.err = err
			close(p.broken)
			return
		}
	}
}

// close waits until everything is written, a second at most: a write that never
// returns is left behind.
func (p *printer) close() error {
	close(p.lines)
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-p.over:
	case <-timer.C:
		return nil
	}
	return p.err
}
