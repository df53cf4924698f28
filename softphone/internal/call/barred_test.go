package call

import (
	"errors"
	"testing"
	"time"
)

// errBarred is of a server whose key has changed.
func errBarred(server string) error {
	return &ServerError{server, errors.Join(errors.New("server "+server+" was refused"), ErrBarred)}
}

const isBarred = "refused; the server is barred"

func TestAServerThatIsBarredIsNotAskedAgainAndAnotherIs(t *testing.T) {
	r := newRig(t, "a", "b")
	r.ended(1, errBarred("a"))
	r.want("0.00 open 1 to a", "0.00 open 2 to b")
	r.plan.connected(2, r.now)
	r.answered(2)
	r.want("0.00 join 2", "0.00 adopt 2", "0.00 Server a was "+isBarred+".")
	r.until(time.Second)
	r.ended(2, errReset) // and so on mid-call
	r.until(4 * time.Second)
	for _, did := range r.did {
		if did[len(did)-4:] == "to a" {
			t.Errorf("it is asked again: %s", did)
		}
	}
}

func TestTheOnlyServerThatIsBarredEndsTheCallAtOnce(t *testing.T) {
	r := newRig(t, "a")
	r.ended(1, errBarred("a"))
	r.want("0.00 open 1 to a", "0.00 end: server a: server a was refused\nthe server is barred")

	r = live(t, "a")
	r.until(time.Second)
	r.ended(1, errReset)
	r.until(1300 * ms)
	r.did = nil
	r.ended(2, errBarred("a"))
	r.want("1.30 end: server a: server a was refused\nthe server is barred")
}

func TestABarredServerIsNamedRatherThanOneThatCannotBeReached(t *testing.T) {
	r := newRig(t, "a", "b")
	r.ended(1, errBarred("a"))
	r.ended(2, errRefused)
	r.want("0.00 open 1 to a", "0.00 open 2 to b", "0.00 end: server a: server a was refused\nthe server is barred")
}

func TestABarredServerEndsNoCallThatGoesOnElsewhere(t *testing.T) {
	r := live(t, "a", "b", "c")
	r.plan.draining(1, r.now, 0)
	r.note()
	r.ended(2, errBarred("b"))
	r.want("0.00 a is shutting down and ends this call soon: moving it.", "0.00 open 2 to b",
		"0.00 Server b was "+isBarred+".", "0.00 open 3 to c")
	r.ended(3, errBarred("c"))
	r.want("0.00 Server c was "+isBarred+".", "0.00 open 4 to a")
	r.ended(4, errBarred("a"))
	r.did = nil
	r.until(20 * time.Second) // nobody is left to be asked
	r.want()
	r.ended(1, errReset)
	r.want("20.00 end: server a: server a was refused\nthe server is barred")
}
