package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/swarm"
)

const (
	// tries is how often a run is made anew in which this computer was late itself,
	// by more than tooLate: then what is not heard is no server's fault.
	tries   = 3
	tooLate = 40 * time.Millisecond
)

// plan is a swarm of Opus to a server, in frames of 20 ms.
func plan(where site, destination string, calls, rooms, talkers int, duration time.Duration) swarm.Config {
	return swarm.Config{
		Server: where.address, Connect: where.connect, Destination: destination,
		Calls: calls, Rooms: rooms, Talkers: talkers, Speakers: 3, Streams: 1, DTX: true,
		Codec: opus.Codec{}, Options: codec.Options{FrameSamples: frameSamples, Bitrate: 32000, Complexity: 5},
		Duration: duration,
	}
}

// company is who is on a server with hostile callers: rooms of five of whom two
// talk, so that a hostile sixth may have the floor too, and echoes.
type company struct {
	rooms, echoes int
	duration      time.Duration
}

const (
	members = 5
	talkers = 2
)

// call makes the calls and returns how those in rooms and the echoes went. up is
// told when those in rooms are held.
func (c company) call(ctx context.Context, where site, up *held) (inRooms, echo swarm.Report, err error) {
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() {
		cfg := plan(where, "room/x", members*c.rooms, c.rooms, talkers, c.duration)
		cfg.Progress = up
		inRooms, errs[0] = swarm.Run(ctx, cfg)
	})
	both.Go(func() {
		echo, errs[1] = swarm.Run(ctx, plan(where, "echo", c.echoes, 1, 0, c.duration))
	})
	both.Wait()
	return inRooms, echo, errors.Join(errs[:]...)
}

// hostiles are a hostile sixth member of each room, and one who calls the echo. They
// come when the others are there: one of two would be heard as it is, whatever it
// says of its times.
func (c company) hostiles(tb testing.TB, where site) []*caller {
	tb.Helper()
	all := []*caller{newCaller(tb, where, "echo", 0)}
	for i := range c.rooms {
		room := "room/x"
		if c.rooms > 1 {
			room = fmt.Sprintf("room/x-%d", i+1)
		}
		all = append(all, newCaller(tb, where, room, uint64(i+1)))
	}
	return all
}

// spoilt is how many frames of a swarm were lost or made up, anywhere.
func spoilt(r *swarm.Report) float64 {
	return float64(r.Dropped+r.Unsent+r.Lost) + r.Concealed
}

func TestOthersHearTheSameBesideAHostileCaller(t *testing.T) {
	for _, k := range kinds() {
		t.Run("who "+k.name, func(t *testing.T) {
			for range tries {
				if judged := hearBeside(t, k); judged || t.Failed() {
					return
				}
			}
			t.Log("this computer was late itself in each run: what was dropped is not judged")
		})
	}
}

// TestTwoHearEachOtherWhateverAThirdDoes lets a hostile third come to two who hear
// each other directly: what they hear is forwarded, then mixed, and each gap in it is
// marked.
func TestTwoHearEachOtherWhateverAThirdDoes(t *testing.T) {
	for _, k := range kinds() {
		t.Run("who "+k.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, servertest.Options{})
			var r swarm.Report
			var err error
			third := []*caller{newCaller(t, openSite(s.Addr), "room/pair", 1)}
			talking := newHeld(2)
			beside(t, k, talking.yes, third, func() {
				cfg := plan(openSite(s.Addr), "room/pair", 2, 1, 2, 3*time.Second)
				cfg.Progress = talking
				r, err = swarm.Run(t.Context(), cfg)
			})
			t.Logf("added %+v, %d frames as they were sent, %d windows, restarts %d, spoilt %.1f", r.AddedDelay, r.Verified, r.Windows, r.Restarts, spoilt(&r))
			if r.Held < 2 || r.Failures > 0 || r.Lost > 0 || r.Verified == 0 {
				t.Errorf("%d were held, %d frames lost, %d as they were sent, %d failures: %v", r.Held, r.Lost, r.Verified, r.Failures, err)
			}
		})
	}
}

// held waits in a swarm's progress until all calls are held and hear something.
type held struct {
	once sync.Once
	all  []byte
	yes  chan struct{} // closed when they are
}

func newHeld(calls int) *held {
	return &held{all: fmt.Appendf(nil, "held %d of %d,", calls, calls), yes: make(chan struct{})}
}

func (h *held) Write(line []byte) (int, error) {
	if bytes.Contains(line, h.all) && !bytes.Contains(line, []byte("received 0 ")) {
		h.once.Do(func() { close(h.yes) })
	}
	return len(line), nil
}

// hearBeside makes calls for a while beside hostile callers. What is heard must be
// right and every gap marked; that there is none is judged where this computer was
// in time.
func hearBeside(t *testing.T, k kind) (judged bool) {
	t.Helper()
	c := company{rooms: 1, echoes: 4, duration: 2 * time.Second}
	s := servertest.Start(t, servertest.Options{})
	defer s.Kill()
	var inRooms, echo swarm.Report
	var err error
	up := newHeld(members * c.rooms)
	beside(t, k, up.yes, c.hostiles(t, openSite(s.Addr)), func() { inRooms, echo, err = c.call(t.Context(), openSite(s.Addr), up) })
	for _, r := range []*swarm.Report{&inRooms, &echo} {
		if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
			t.Errorf("of calls to %s %d of %d were held, %d frames lost, %d failures: %v", r.Destination, r.Held, r.Calls, r.Lost, r.Failures, err)
		}
	}
	late := max(inRooms.TurnLate.Max, echo.TurnLate.Max)
	n := spoilt(&inRooms) + spoilt(&echo)
	t.Logf("late itself by %.0f ms; rooms %+v, %d windows; echoes %+v; spoilt %.0f", late, inRooms.AddedDelay, inRooms.Windows, echo.AddedDelay, n)
	if late > float64(tooLate/time.Millisecond) {
		return false
	}
	if n > 0 || inRooms.Windows == 0 || echo.Verified == 0 {
		t.Errorf("not everything was heard: rooms %+v\nechoes %+v", inRooms, echo)
	}
	return true
}
