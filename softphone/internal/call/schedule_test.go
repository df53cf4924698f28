package call

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/softphone/internal/callstate"
)

const ms = time.Millisecond

// rig is a schedule, its time, and what it wanted to be done.
type rig struct {
	t     *testing.T
	plan  schedule
	now   time.Duration
	heard time.Duration // the active carrier's newest chunk; below 0: always now
	did   []string
}

func newRig(t *testing.T, servers ...string) *rig {
	t.Helper()
	r := &rig{t: t, plan: schedule{servers: servers, scatter: func() float64 { return 0 }}, heard: -1}
	r.plan.start(0)
	r.note()
	return r
}

// live is a rig whose call was answered at 0.
func live(t *testing.T, servers ...string) *rig {
	t.Helper()
	r := newRig(t, servers...)
	r.plan.connected(1, r.now)
	r.answered(1)
	r.did = nil
	return r
}

func (r *rig) quiet() time.Duration {
	if r.heard < 0 || r.plan.active == 0 {
		return 0
	}
	return r.now - r.heard
}

func (r *rig) note() {
	for _, a := range r.plan.take() {
		var s string
		switch a.verb {
		case openCarrier:
			s = fmt.Sprintf("open %d to %s", a.carrier, a.server)
		case joinCarrier:
			s = fmt.Sprintf("join %d", a.carrier)
		case dropCarrier:
			s = fmt.Sprintf("drop %d", a.carrier)
		case adoptCarrier:
			s = fmt.Sprintf("adopt %d", a.carrier)
		case retireCarrier:
			s = fmt.Sprintf("retire %d", a.carrier)
		case sayNotice:
			s = a.notice.Text
		case endCall:
			s = fmt.Sprintf("end: %v", a.err)
		}
		r.did = append(r.did, fmt.Sprintf("%.2f %s", r.now.Seconds(), s))
	}
}

// until lets time pass as the keeper does.
func (r *rig) until(end time.Duration) {
	for r.now < end && r.plan.phase != phaseOver {
		r.now = min(end, r.now+max(ms, r.plan.until(r.now, r.quiet())))
		r.plan.tick(r.now, r.quiet())
		r.note()
	}
}

func (r *rig) answered(id int) { r.plan.answered(id, r.now, 0); r.heard = -1; r.note() }

func (r *rig) ended(id int, err error) { r.plan.ended(id, err, r.now, r.quiet()); r.note() }

// silence begins now.
func (r *rig) silence() { r.heard = r.now }

// sound is heard again.
func (r *rig) sound() { r.heard = -1; r.plan.tick(r.now, 0); r.note() }

func (r *rig) want(want ...string) {
	r.t.Helper()
	if !slices.Equal(r.did, want) {
		r.t.Errorf("done:\n\t%s\nwant:\n\t%s", strings.Join(r.did, "\n\t"), strings.Join(want, "\n\t"))
	}
	r.did = nil
}

var (
	errRefused = &ServerError{"a", status.Error(codes.Unavailable, "connection refused")}
	errReset   = status.Error(codes.Unavailable, "connection reset")
)

func TestASilentLinkIsToldDoubledAndGivenUp(t *testing.T) {
	r := live(t, "a")
	r.until(10 * time.Second)
	r.want()
	r.silence()
	r.until(17 * time.Second)
	r.want(
		"11.00 Connection problem: nothing heard from a for 1 s.",
		"13.00 open 2 to a",
		"14.00 drop 2", "14.00 open 3 to a",
		"15.00 drop 3", "15.00 drop 1", "15.00 Connection lost, trying a again.", "15.00 open 4 to a",
		"16.00 drop 4", "16.00 open 5 to a",
		"17.00 drop 5", "17.00 open 6 to a",
	)
	r.until(17500 * ms)
	r.answered(6)
	r.want("17.50 adopt 6", "17.50 Back after 7.5 s on a.")
	if p := r.plan; p.resumes != 1 || p.gap != 7500*ms || p.phase != phaseUp {
		t.Errorf("%d resumes, gap %v, phase %v", p.resumes, p.gap, p.phase)
	}
}

func TestASilenceOfTwoSecondsOpensNothing(t *testing.T) {
	r := live(t, "a", "b")
	r.silence()
	r.until(2 * time.Second)
	r.sound()
	r.until(20 * time.Second)
	r.want("1.00 Connection problem: nothing heard from a for 1 s.", "2.00 Back after 2.0 s on a.")
	if p := r.plan; p.resumes != 0 || p.gap != 2*time.Second {
		t.Errorf("%d resumes, gap %v", p.resumes, p.gap)
	}
}

func TestASecondConnectionThatIsNotNeededIsDropped(t *testing.T) {
	r := live(t, "a")
	r.silence()
	r.until(3500 * ms)
	r.did = nil
	r.sound()
	r.want("3.50 Back after 3.5 s on a.", "3.50 drop 2")
	r.until(20 * time.Second)
	r.want()
	// Nobody was asked for the call, so it was another phone that took it.
	r.ended(1, status.Error(codes.Aborted, "taken over"))
	r.want("20.00 end: " + ErrTakenOver.Error())
}

func TestACallThatOurOwnAttemptTookIsTakenBack(t *testing.T) {
	r := live(t, "a")
	r.silence()
	r.until(3500 * ms)
	r.plan.connected(2, r.now)
	r.until(4 * time.Second)
	r.plan.drop() // its answer did not come in time, but the server has it
	r.sound()
	r.until(5 * time.Second)
	r.did = nil
	r.ended(1, status.Error(codes.Aborted, "taken over"))
	r.until(6 * time.Second)
	r.want("5.00 Connection lost, trying a again.", "5.25 open 4 to a")
}

func TestASecondConnectionThatStandsIsWaitedFor(t *testing.T) {
	r := live(t, "a")
	r.silence()
	r.until(3500 * ms)
	r.plan.connected(2, r.now)
	r.note()
	r.did = nil
	r.sound()
	r.want("3.50 Back after 3.5 s on a.")
	// The server ends the first as soon as the second is taken.
	r.ended(1, status.Error(codes.Aborted, "taken over"))
	r.answered(2)
	r.want("3.50 adopt 2")
	r.until(20 * time.Second)
	r.want()
}

func TestABrokenLinkIsTriedByTheSchedule(t *testing.T) {
	r := live(t, "a", "b", "c")
	r.until(time.Second)
	r.ended(1, errReset)
	for ; r.now < 4*time.Second; r.until(r.now + 10*ms) {
		for r.plan.trial != 0 {
			r.ended(r.plan.trial, errRefused)
		}
	}
	r.want(
		"1.00 Connection lost, trying a and 2 other servers.",
		"1.25 open 2 to a", "1.25 open 3 to b", "1.25 open 4 to c",
		"1.50 open 5 to a", "1.50 open 6 to b", "1.50 open 7 to c",
		"2.50 open 8 to a", "2.50 open 9 to b", "2.50 open 10 to c",
		"3.50 open 11 to a", "3.50 open 12 to b", "3.50 open 13 to c",
	)
}

func TestAttemptsAreScattered(t *testing.T) {
	for _, x := range []float64{-1, 0.5, 1} {
		s := schedule{scatter: func() float64 { return x }, tries: 3}
		if got, want := s.nextDue(0), time.Duration((1+0.2*x)*float64(time.Second)); got != want {
			t.Errorf("at %g the next attempt is %v later, want %v", x, got, want)
		}
	}
}

func TestACallIsLostAfterThirtySeconds(t *testing.T) {
	r := live(t, "a")
	r.until(time.Second)
	r.ended(1, errReset)
	for r.plan.phase != phaseOver && r.now < time.Minute {
		r.until(r.now + 10*ms)
		if id := r.plan.trial; id != 0 {
			r.ended(id, errRefused)
		}
	}
	var lost *LostError
	if last := r.did[len(r.did)-1]; !strings.HasPrefix(last, "31.00 end: the connection to a was lost for 30s") {
		t.Errorf("the last thing done is %q", last)
	}
	if r.plan.end(nil); errors.As(r.plan.reason, &lost) || len(r.plan.take()) != 0 {
		t.Error("it ends twice")
	}
	if len(r.did) < 30 || len(r.did) > 35 {
		t.Errorf("%d things were done in 30 s", len(r.did))
	}
}

func TestWhatEndsACallAndWhatDoesNot(t *testing.T) {
	for code, ends := range map[codes.Code]bool{
		codes.InvalidArgument: true, codes.NotFound: true, codes.PermissionDenied: true, codes.Unauthenticated: true,
		codes.FailedPrecondition: true, codes.AlreadyExists: true, codes.Unimplemented: true, codes.Aborted: true,
		codes.Unavailable: false, codes.ResourceExhausted: false, codes.Internal: false, codes.Canceled: false,
		codes.DeadlineExceeded: false, codes.Unknown: false,
	} {
		err := status.Error(code, "x")
		r := live(t, "a")
		if r.ended(1, err); (r.plan.phase == phaseOver) != ends {
			t.Errorf("%v on the call's stream: %v", code, r.did)
		}
		r = live(t, "a")
		r.ended(1, errReset)
		r.until(300 * ms)
		if r.ended(2, err); (r.plan.phase == phaseOver) != (ends && code != codes.Aborted) {
			t.Errorf("%v on an attempt: %v", code, r.did)
		}
		r = live(t, "a", "b")
		r.ended(1, errReset)
		r.until(300 * ms)
		r.ended(2, errRefused)
		if r.ended(3, err); r.plan.phase != phaseLost {
			t.Errorf("%v from another server than the call's: %v", code, r.did)
		}
		r = live(t, "a", "b")
		r.silence()
		r.until(3100 * ms)
		if r.ended(2, err); r.plan.phase != phaseProblem || r.plan.active != 1 {
			t.Errorf("%v on a second connection, while the first may come back: %v", code, r.did)
		}
	}
	r := live(t, "a")
	r.ended(1, ErrServerEnded)
	r.want("0.00 end: the server ended the call")
	r = live(t, "a")
	r.ended(1, fmt.Errorf("%w in the call's sender", errPanic))
	if r.plan.phase != phaseOver {
		t.Error("a fault of ours does not end the call")
	}
	if judge(io.EOF) != finished {
		t.Error("the end of a stream is no end")
	}
}

func TestEveryServerIsDialedBeforeACallFails(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	r.ended(1, errRefused)
	r.until(2 * time.Second) // b takes the call and does not answer
	r.ended(3, errRefused)
	r.want("0.00 open 1 to a", "0.00 open 2 to b", "1.00 drop 2", "1.00 open 3 to c", "2.00 end: "+errRefused.Error())

	r = newRig(t, "a", "b")
	r.ended(1, status.Error(codes.NotFound, "no such destination"))
	if r.plan.phase != phaseOver {
		t.Error("a destination that does not exist is looked for elsewhere")
	}

	r = newRig(t, "a")
	r.until(10 * time.Second)
	r.want("0.00 open 1 to a", "5.00 drop 1", "5.00 end: server a: no answer")
}

func TestADrainingServerIsLeftBeforeItGoes(t *testing.T) {
	r := live(t, "a", "b", "c")
	r.until(time.Second)
	r.plan.draining(1, r.now, 0)
	r.plan.draining(1, r.now, 0)
	r.note()
	r.until(1100 * ms)
	r.ended(2, errRefused)
	r.until(1300 * ms)
	r.plan.connected(3, r.now)
	r.answered(3)
	r.ended(1, ErrServerEnded) // the one that was left
	r.until(10 * time.Second)
	r.want(
		"1.00 a is shutting down and ends this call soon: moving it.", "1.00 open 2 to b",
		"1.10 open 3 to c", "1.30 join 3", "1.30 retire 1", "1.30 adopt 3", "1.30 The call moved to c.",
	)
	if r.plan.gap != 0 || r.plan.resumes != 1 {
		t.Errorf("gap %v, %d resumes", r.plan.gap, r.plan.resumes)
	}
}

func TestADrainingServerThatGoesFirstIsNotTriedFirst(t *testing.T) {
	r := live(t, "a", "b")
	r.plan.draining(1, r.now, 0)
	r.note()
	r.ended(2, errRefused)
	r.ended(3, status.Error(codes.Unavailable, "shutting down"))
	r.ended(1, status.Error(codes.Unavailable, "shutting down"))
	r.did = nil
	r.until(400 * ms)
	r.want("0.25 open 4 to b")
}

func TestAfterASleepEveryConnectionIsStale(t *testing.T) {
	r := live(t, "a")
	r.until(time.Second)
	r.plan.slept(time.Minute, r.now)
	r.note()
	r.until(1200 * ms)
	r.answered(2)
	r.want("1.00 drop 1", "1.00 Connection lost, trying a again.", "1.00 open 2 to a", "1.20 adopt 2", "1.20 Back after 60.2 s on a.")

	r = newRig(t, "a")
	r.plan.slept(time.Minute, r.now)
	r.note()
	r.want("0.00 open 1 to a", "0.00 drop 1", "0.00 open 2 to a")
}

func TestAPhoneThatStoodStillReadsBeforeItJudges(t *testing.T) {
	r := live(t, "a")
	r.silence()
	r.plan.until(r.now, r.quiet())
	r.now = 6 * time.Second // the process was stopped
	r.plan.tick(r.now, r.quiet())
	r.note()
	r.want()
	r.until(6100 * ms)
	r.sound()
	r.until(7 * time.Second)
	r.want()
}

func TestASlowNetworkHasLongerToAnswer(t *testing.T) {
	r := live(t, "a")
	r.plan.trip = 600 * ms
	r.ended(1, errReset)
	r.until(2600 * ms)
	r.want("0.00 Connection lost, trying a again.", "0.25 open 2 to a")
	if s := r.plan; s.trialLimit() != 3000*ms {
		t.Errorf("an attempt has %v", s.trialLimit())
	}
}

func TestAnAnswerThatComesTooLateIsNone(t *testing.T) {
	r := live(t, "a")
	r.ended(1, errReset)
	r.until(1300 * ms)
	r.did = nil
	r.answered(2)
	r.want()
	if s := callstate.LinkState(r.plan.phase); r.plan.active != 0 {
		t.Errorf("an attempt that was dropped is in use, %v", s)
	}
}

// connected is an attempt whose connection stands.
func (r *rig) connected(id int) { r.plan.connected(id, r.now); r.note() }

func TestAPhoneReturnsToItsRoomRatherThanToAnotherServer(t *testing.T) {
	r := live(t, "a", "b", "c")
	r.until(time.Second)
	r.ended(1, errReset) // the network is gone, for two seconds
	r.until(3 * time.Second)
	r.connected(3)
	r.connected(4)
	r.answered(4)
	r.want(
		"1.00 Connection lost, trying a and 2 other servers.",
		"1.25 open 2 to a", "2.25 drop 2", "2.25 open 3 to b",
		"3.00 drop 3", "3.00 open 4 to a", "3.00 join 4", "3.00 adopt 4", "3.00 Back after 2.0 s on a.",
	)
}

func TestAServerThatStaysAwayIsReplaced(t *testing.T) {
	r := live(t, "a", "b", "c")
	r.ended(1, errReset)
	r.until(1300 * ms)
	r.connected(3)
	r.until(2400 * ms)
	r.connected(5)
	r.answered(5)
	r.want(
		"0.00 Connection lost, trying a and 2 other servers.",
		"0.25 open 2 to a", "1.25 drop 2", "1.25 open 3 to b",
		"1.30 drop 3", "1.30 open 4 to a", "2.30 drop 4", "2.30 open 5 to b",
		"2.40 join 5", "2.40 adopt 5", "2.40 Back after 2.4 s on b.",
	)
	r.until(10 * time.Second)
	r.ended(5, errReset)
	r.until(10300 * ms)
	r.want("10.00 Connection lost, trying b and 2 other servers.", "10.25 open 6 to b")
}

func TestASecondConnectionIsTriedToTheSameServerFirst(t *testing.T) {
	r := live(t, "a", "b")
	r.silence()
	r.until(3100 * ms)
	r.ended(2, errRefused)
	r.ended(3, errRefused)
	r.until(4200 * ms)
	r.want(
		"1.00 Connection problem: nothing heard from a for 1 s.",
		"3.00 open 2 to a", "3.10 open 3 to b", "4.00 open 4 to a",
	)
}
