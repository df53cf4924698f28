package phone_test

import (
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
)

func TestTrainingIsForAnEchoCallAndEndsWithIt(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	want := callstate.Training{Delay: 200 * time.Millisecond, LossPct: 2}
	p.Train(want)
	notice(t, p, "dial echo")
	p.Dial("tone")
	waitState(t, p, callstate.Live)
	p.Train(want)
	if n := notice(t, p, "dial echo"); n.Severity != callstate.Warning || p.Snapshot().Training.On() {
		t.Errorf("severity %v, training %+v", n.Severity, p.Snapshot().Training)
	}
	p.HangUp()
	waitState(t, p, callstate.Idle)
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	p.Train(want)
	waitFor(t, "the training's delay", func() bool {
		s := p.Snapshot()
		return s.Training == want && s.Delay.LoopKnown && s.Delay.Loop > want.Delay
	})
	p.HangUp()
	waitState(t, p, callstate.Idle)
	if got := p.Snapshot().Training; got.On() {
		t.Errorf("after the call: %+v", got)
	}
}
