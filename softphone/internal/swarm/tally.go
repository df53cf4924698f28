package swarm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/status"
)

// examples is how many failures are told in words.
const examples = 5

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

	mu    sync.Mutex
	wrong []string // the first failures
	// By status: calls that were never answered, and those that ended before
	// they were hung up.
	refused, broken map[string]int
	reasons         map[string]string // the first message of each status
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
	if st, ok := status.FromError(err); ok {
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
