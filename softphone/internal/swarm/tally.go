package swarm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"callcenter/softphone/internal/call"
)

const (
	// examples is how many failures are told in words.
	examples = 5
	// ownFault is how late a turn may be before rooms hear a gap for which they
	// are not to blame, and ownFaultLasts how long that may be heard.
	ownFault      = 60 * time.Millisecond
	ownFaultLasts = time.Second
)

var errLoop = errors.New("the swarm's own tone cannot be found in what its codec makes of it: use more --bitrate")

// tally is what all calls count. It is safe for concurrent use.
type tally struct {
	measuring atomic.Bool
	dialing   atomic.Int64 // calls that are neither answered nor over

	added    histogram // delay
	behind   histogram // of what is heard of rooms, behind the fastest frame
	turnLate histogram // turns of the wheel
	targets  histogram // of the server's buffers

	late, dropped, lost, verified, windows, failures atomic.Uint64

	missed   atomic.Uint64 // changes of tone
	restarts atomic.Uint64 // epochs on the way down that began
	unjudged atomic.Uint64 // windows in which this program was late itself
	lateAt   atomic.Int64  // when it was, a time.Duration

	mu    sync.Mutex
	wrong []string // the first failures
	// By status: calls that were never answered, and those that ended before
	// they were hung up.
	refused, broken map[string]int
	reasons         map[string]string // the first message of each status
}

// turned notes that turns at now were late by so much.
func (t *tally) turned(by, now time.Duration) {
	t.turnLate.add(by)
	if by > ownFault {
		t.lateAt.Store(int64(now))
	}
}

// atFault reports that what is heard at now may have a gap of our own making.
func (t *tally) atFault(now time.Duration) bool {
	at := time.Duration(t.lateAt.Load())
	return at != 0 && now-at < ownFaultLasts
}

// fail counts a failed verification.
func (t *tally) fail(text string, args ...any) {
	if t.failures.Add(1) > examples {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong = append(t.wrong, fmt.Sprintf(text, args...))
}

// ended counts a call that ended by itself; held says that it was answered.
func (t *tally) ended(err error, held bool) {
	if err == nil {
		err = errEnded
	}
	name, text := "Ended", err.Error()
	if errors.Is(err, call.ErrBarred) {
		name = "Barred" // of no status: the server was asked nothing
	} else if st, ok := status.FromError(err); ok {
		name, text = st.Code().String(), st.Message()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reasons == nil {
		t.refused, t.broken, t.reasons = make(map[string]int), make(map[string]int), make(map[string]string)
	}
	if held {
		t.broken[name]++
	} else {
		t.refused[name]++
	}
	if _, known := t.reasons[name]; !known {
		t.reasons[name] = text
	}
}
