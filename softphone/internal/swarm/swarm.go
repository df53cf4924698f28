// Package swarm is the load generator: hundreds of real calls over real gRPC
// from one process, to load a server and to verify what it does meanwhile. The
// `swarm` command calls Run.
//
// What the calls say is encoded once beforehand and looped, so that no encoder
// is measured. A wheel (wheel.go) gives every call its turn once a frame, at
// absolute deadlines that are spread over the frame; in its turn a call sends
// what is due, as a phone does: setup and token first, then sequences, media
// time and marks with level, through audio/sendq with its window of
// unacknowledged audio, with acknowledgements, liveness and a report a second. A
// call has one goroutine of ours, which receives.
//
// An echo call says a voice of its own. Every frame that comes back is compared
// with what was said, byte by byte, and so are its marks, media time and
// sequence. In a room the first so many say a tone each and the others announce
// silence. There every call verifies sequences and media times, and the first
// and the last of each room (ears, at most 32) also decode what they hear: once a second, in 200 ms
// by Goertzel's algorithm, the tones of others must be there, no more of them at a
// time than the server has speakers, and the own one and those of other rooms
// must not. What is heard within a second of a turn that came more than 60 ms late
// is not judged: then a gap is this program's own. What a room forwards as a talker
// sent it, which one of two may, is compared like an echo instead (ledger.go).
//
// # Added delay
//
// Delay counts from the time at which a frame was to be sent, whether or not
// this program, gRPC or the server was late: nothing is left out because a
// sender was held up. It is zero for a frame that arrives when it was to leave;
// the duration of the frame, for which a phone collects it, is not in it.
//
// An echo and what a room forwards tell it: their media time names the talker's
// slot. In a mix nothing of a frame survives but its sound, so the tones carry a
// mark: each talker has two frequencies and changes from one to the other every
// second of its schedule, without a step in phase. An ear follows the energy of
// both in windows of 10 ms, 2.5 ms apart, and interpolates when the second
// outweighs the first. The added delay is
//
//	(arrival of that frame + place of the change in it) -
//	(scheduled time of the frame with the change) - d
//
// where d is what the same detector finds for that change when it decodes the
// loop without a server, so that the lookahead of our own encoder and the
// detector's window are not in it. A server that only forwards is measured to
// half a millisecond; another Opus encoder moves single changes by up to 2 ms.
// What is left is the way, the server's buffer for the talker and the phase of
// its clock, and the lookahead of its encoder (Opus: 6.5 ms). A delay of two
// seconds and more is taken for one that is two seconds less. A change that falls
// into a gap has no delay: between others such are counted as missed, where the
// server lets all talkers be heard.
//
// A frame is late if it comes more than 20 ms after it might: an echo after its
// scheduled time, what is heard of a room after the fastest frame so far.
//
// Times are readings of one audio.Clock, PCM is 48 kHz mono.
package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
)

// The bounds of a Config.
const (
	MaxCalls   = 10000
	MaxTalkers = len(tones)
	MaxStreams = 200 // what a server allows
)

const (
	// settle is how long after the last answer measuring begins: buffers fill.
	settle = time.Second
	// answerLimit is how long after the ramp an answer may take.
	answerLimit = 10 * time.Second
	// hangUpLimit is how long the ends of all calls may take together.
	hangUpLimit = 5 * time.Second
)

// Config is what a swarm does. All fields are needed unless they say otherwise.
type Config struct {
	Server      string // "HOST:PORT"
	Connect     func(server string) (call.Conn, error)
	Destination string // "echo" or "room/NAME"
	Calls       int
	Rooms       int // over which the calls are spread; NAME-1 and so on if more than one
	Talkers     int // in each room
	Speakers    int // that the server lets be heard at a time
	Streams     int // calls on each connection
	Codec       codec.Codec
	Options     codec.Options
	DTX         bool          // who is silent announces it instead of sending noise
	Ramp        time.Duration // over which the calls begin
	Duration    time.Duration // of measuring; 0: until the context ends
	Clock       audio.Clock   // nil: a new one
	Progress    io.Writer     // a line a second; nil: nobody looks
}

var roomName = regexp.MustCompile(`^[a-z0-9._-]{1,58}$`) // -10000 must fit behind it

// Check says what is wrong with the numbers and the destination, naming flags.
func (c *Config) Check() error {
	name, isRoom := strings.CutPrefix(c.Destination, "room/")
	switch {
	case c.Calls < 1 || c.Calls > MaxCalls:
		return fmt.Errorf("calls %d: use 1 to %d", c.Calls, MaxCalls)
	case !isRoom && c.Destination != "echo":
		return fmt.Errorf("dest %.80q: a swarm calls echo or room/NAME", c.Destination)
	case isRoom && !roomName.MatchString(name):
		return fmt.Errorf("dest %.80q: use 1 to 58 of a-z, 0-9, '.', '_' and '-' in NAME", c.Destination)
	case c.Rooms < 1 || c.Rooms > c.Calls:
		return fmt.Errorf("rooms %d: use 1 to the number of calls, %d", c.Rooms, c.Calls)
	case !isRoom && c.Rooms > 1:
		return fmt.Errorf("rooms %d: an echo has none; call room/NAME, or leave the flag out", c.Rooms)
	case c.Talkers < 0 || c.Talkers > MaxTalkers:
		return fmt.Errorf("talkers %d: use 0 to %d", c.Talkers, MaxTalkers)
	case c.Speakers < 1:
		return fmt.Errorf("speakers %d: use 1 or more, as the server does", c.Speakers)
	case c.Streams < 1 || c.Streams > MaxStreams:
		return fmt.Errorf("streams-per-conn %d: use 1 to %d", c.Streams, MaxStreams)
	case c.Ramp < 0:
		return fmt.Errorf("ramp %v: use a positive one, such as 2s", c.Ramp)
	case c.Duration < 0:
		return fmt.Errorf("duration %v: use a positive one, such as 10s", c.Duration)
	}
	return nil
}

func (c *Config) echo() bool { return c.Destination == "echo" }

func (c *Config) frame() time.Duration { return audio.Duration(c.Options.FrameSamples) }

// swarm is one run.
type swarm struct {
	cfg   Config
	clock audio.Clock
	base  time.Duration // of all schedules
	tally tally
	legs  []*leg
	rooms []*room
	conns []call.Conn
	wheel *wheel
}

// Run makes the calls, measures for the duration, hangs up and says how it went.
// The end of ctx hangs up early and is no error. The error is that it could not
// begin, or that the server failed: calls were not held or what they heard was
// wrong; then the report is whole.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if err := cfg.Check(); err != nil {
		return Report{}, err
	}
	if cfg.Clock == nil {
		cfg.Clock = audio.NewClock()
	}
	s := &swarm{cfg: cfg, clock: cfg.Clock}
	if err := s.prepare(); err != nil {
		return Report{}, errors.Join(err, s.close())
	}
	r, err := s.run(ctx)
	return r, errors.Join(err, s.close())
}

// prepare makes everything that is not measured: audio, connections, calls.
func (s *swarm) prepare() error {
	scores, err := compose(&s.cfg)
	if err != nil {
		return err
	}
	for range (s.cfg.Calls + s.cfg.Streams - 1) / s.cfg.Streams {
		conn, err := s.cfg.Connect(s.cfg.Server)
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
	}
	// Room for the first turns before the first deadline.
	s.base = s.clock() + 10*time.Millisecond
	s.wheel = newWheel(s.clock, s.base, s.cfg.frame(), min(runtime.GOMAXPROCS(0), 4))
	s.tally.dialing.Store(int64(s.cfg.Calls))
	for range s.cfg.Rooms {
		s.rooms = append(s.rooms, &room{})
	}
	for i := range s.cfg.Calls {
		l, err := newLeg(s, i, scores)
		if err != nil {
			return err
		}
		s.legs = append(s.legs, l)
	}
	return nil
}

// run is the whole course: ramp, settle, measure, hang up.
func (s *swarm) run(ctx context.Context) (Report, error) {
	alive, kill := context.WithCancel(context.WithoutCancel(ctx))
	var calls, turning sync.WaitGroup
	defer turning.Wait()
	defer calls.Wait()
	defer kill()
	s.wheel.run(alive, &turning, s.tally.turned)
	if s.cfg.Progress != nil {
		watching, stop := context.WithCancel(ctx)
		turning.Go(func() { s.progress(watching) })
		defer stop()
	}

	s.ramp(ctx, alive, &calls)
	s.answers(ctx)
	wait(ctx, settle)
	from := s.begin()
	if s.cfg.Duration > 0 {
		wait(ctx, s.cfg.Duration)
	} else {
		<-ctx.Done()
	}
	r := s.finish(from)
	s.hangUp(&calls, kill)
	s.complete(&r)
	return r, r.verdict()
}

// ramp begins the calls, spread over the ramp's time.
func (s *swarm) ramp(ctx, alive context.Context, calls *sync.WaitGroup) {
	start := s.clock()
	for i, l := range s.legs {
		at := start + s.cfg.Ramp*time.Duration(i)/time.Duration(len(s.legs))
		if !wait(ctx, at-s.clock()) {
			return
		}
		calls.Go(func() { l.live(alive, s.conns[i/s.cfg.Streams]) })
	}
}

// answers waits until each call was answered or is over.
func (s *swarm) answers(ctx context.Context) {
	limit := s.clock() + answerLimit
	for s.clock() < limit {
		open := s.tally.dialing.Load()
		if open == 0 || !wait(ctx, 10*time.Millisecond) {
			return
		}
	}
}

// hangUp ends the calls and waits for them, within a limit.
func (s *swarm) hangUp(calls *sync.WaitGroup, kill context.CancelFunc) {
	for _, l := range s.legs {
		l.hangUp.Store(true)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		calls.Wait()
	}()
	limit := time.NewTimer(hangUpLimit)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		kill()
		<-ended
	}
}

func (s *swarm) close() error {
	errs := make([]error, 0, len(s.conns))
	for _, c := range s.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// wait waits so long, and reports false if ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
