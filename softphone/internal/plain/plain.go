// Package plain is the operator's desk as lines of text, for screen readers, dumb
// terminals and scripts. What happens is told as sentences on standard output, one
// to a line, and commands are typed one to a line: by name, or as the key that
// does the same on the screen. The softphone command runs it with --plain; it
// sees the softphone only through the interfaces of package desk.
//
// A screen reader speaks every line that is printed, so nothing is printed unless
// something happened or was asked for: no meters that move, nothing drawn over, no
// colours, and no prompt, which would be spoken after each sentence and says
// nothing. What the call suffers from is told once when it begins and once when it
// is over, a kind of trouble at most once in repeatAfter. Every figure has its
// unit, and an estimate is called so.
//
// A script's lines come faster than calls change: the next line is read once the
// one before has shown its effect, and "wait" waits for more. At a terminal
// nothing waits, so that "hang up" works at any moment.
//
// One goroutine, Run's, has all of the state. It looks at the phone when that
// says that it changed, four times a second in a call, and holds no timer while
// the line is idle. Another reads the input, and a third writes the output: one
// that takes nothing for a while costs lines, which are counted and told, never
// time.
package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
	"callcenter/softphone/internal/printable"
)

// Options are the settings of the line mode. Input and Output must be set.
type Options struct {
	// Destination is what Dial("") calls, for sentences. It may be empty.
	Destination string
	// Bench tries the devices, Check checks before a shift, History has the calls
	// that were; nil: there is none, which the commands say.
	Bench   desk.Bench
	Check   desk.Check
	History desk.History
	// ASCII prints the characters of ASCII only.
	ASCII bool
	// Input is where commands come from. Of a terminal or a pipe Run gives up a
	// Read that waits; any other one is left to end by itself.
	Input  io.Reader
	Output io.Writer
	// Terminal says that somebody types. Otherwise the input is a script: its
	// lines wait for each other, and a wait that fails ends Run.
	Terminal bool
}

// ErrWait is in the error of a script that waited in vain.
var ErrWait = errors.New("the wait failed")

const (
	// lookEvery is the pace of looks in a call, jobEvery that while something is
	// awaited.
	lookEvery = 250 * time.Millisecond
	jobEvery  = 50 * time.Millisecond
	// goodbye is how long the end waits for the call to end.
	goodbye = 5 * time.Second
	// heard is how many of the last lines a black box is given.
	heard = 40
)

// session is the whole desk. It is for Run's goroutine.
type session struct {
	phone desk.Phone
	opts  Options
	out   *printer

	now  time.Time          // of snap
	snap callstate.Snapshot // the newest
	news news
	said []string // the last lines of this call

	last    *string  // what was dialed last, here
	asked   bool     // whether to quit
	pending *pending // what the next line of a script waits for
	bench   benchJob
	check   checkJob
	past    pastJob
	notices int // that came

	leaving bool
	leaveBy time.Time
	err     error
}

// Run is the desk. It blocks until the operator quits, the input ends, the phone
// ends or ctx ends, all of which hang up, wait up to 5 s for the end of the call and
// return nil. It returns an error with ErrWait when a script waited in vain, and
// one when the output is gone. The devices are given back in any case.
func Run(ctx context.Context, phone desk.Phone, opts Options) error {
	s := &session{phone: phone, opts: opts, out: newPrinter(opts.Output)}
	in := newReader(opts.Input)
	s.run(ctx, in.lines)
	s.bench.end(s)
	s.check.end(s)
	in.close()
	if err := s.out.close(); err != nil && s.err == nil {
		return fmt.Errorf("print what happens: %w", err)
	}
	return s.err
}

func (s *session) run(ctx context.Context, lines <-chan string) {
	notices, changed, ended, broken := s.phone.Notices(), s.phone.Changed(), ctx.Done(), s.out.broken
	poll := time.NewTimer(time.Hour)
	defer poll.Stop()
	s.look()
	if s.opts.Terminal {
		s.say("Ready. %s", s.hint())
	}
	for !s.done() {
		poll.Reset(s.pace())
		readable := lines
		if s.holds() {
			readable = nil
		}
		select {
		case <-ended:
			ended = nil
			s.leave()
		case <-broken:
			broken = nil
			s.leave()
		case line, ok := <-readable:
			if !ok {
				lines = nil
				s.leave()
				break
			}
			s.take(line)
		case n, ok := <-notices:
			if !ok {
				s.look()
				s.news.close(s)
				return
			}
			s.notice(n)
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
		case <-poll.C:
		}
		s.look()
		s.work()
	}
}

// hint is what to begin with.
func (s *session) hint() string {
	return fmt.Sprintf("dial calls %s, help explains the commands.", s.fallback())
}

// look takes a snapshot and tells what is new in it.
func (s *session) look() {
	s.snap, s.now = s.phone.Snapshot(), time.Now()
	s.news.look(s)
}

// work goes on with what takes a while.
func (s *session) work() {
	s.bench.look(s)
	s.check.look(s)
	s.past.look(s)
	s.settle()
}

// pace is when to look next at the latest.
func (s *session) pace() time.Duration {
	const never = 24 * time.Hour
	pace := never
	switch {
	case s.bench.busy() || s.check.busy() || s.past.busy() || s.leaving:
		pace = jobEvery
	case s.pending != nil && s.pending.met != nil && !s.pending.asked:
		pace = jobEvery
	case s.snap.State != callstate.Idle || s.news.ending():
		pace = lookEvery
	}
	if s.pending != nil {
		pace = min(pace, max(time.Until(s.pending.until), 0))
	}
	return pace
}

// leave hangs up; the desk is left when the call has ended.
func (s *session) leave() {
	if s.leaving {
		return
	}
	s.leaving, s.pending, s.leaveBy = true, nil, time.Now().Add(goodbye)
	if s.snap.State != callstate.Idle {
		s.phone.HangUp()
	}
}

// done reports that the desk can be left.
func (s *session) done() bool {
	if !s.leaving {
		return false
	}
	return s.snap.State == callstate.Idle && !s.news.ending() || !time.Now().Before(s.leaveBy)
}

// holds reports that no line is to be read now.
func (s *session) holds() bool {
	if s.leaving {
		return true
	}
	return !s.opts.Terminal && (s.pending != nil || s.bench.busy() || s.check.busy() || s.past.busy())
}

// say prints a sentence, one clean line, and keeps it for a black box.
func (s *session) say(format string, args ...any) {
	line := s.tell(format, args...)
	if line == "" {
		return
	}
	if len(s.said) == heard {
		s.said = append(s.said[:0], s.said[1:]...)
	}
	s.said = append(s.said, line)
}

// tell prints a sentence that is not to be kept, such as one with digits that were
// pressed: they may be parts of a number that is nobody's business. It returns what
// it printed.
func (s *session) tell(format string, args ...any) string {
	line := printable.Clean(fmt.Sprintf(format, args...))
	if line == "" {
		return ""
	}
	if s.opts.ASCII {
		line = s.out.spelling.Text(line)
	}
	s.out.queue(line)
	return line
}

// name is a name from outside, safe and short.
func name(text string) string {
	const most = 64
	text = printable.Clean(text)
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}
