package call_test

import (
	"testing"
	"testing/synctest"
	"time"

	"callcenter/softphone/internal/callstate"
)

const ms = time.Millisecond

// trained is an echo call in virtual time that has settled, and its state then.
// A steady tone has no pauses in which the playout could come into step with the
// earpiece, so it does here by a first change.
func trained(t *testing.T, f func(v *virtualCall, before callstate.Snapshot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		defer v.end(t)
		for _, d := range []time.Duration{0, 10 * ms, 0} {
			v.Train(callstate.Training{Delay: d})
			time.Sleep(10 * time.Second)
		}
		f(v, v.snapshot())
	})
}

func stage(s callstate.Snapshot, name string) (callstate.Stage, bool) {
	for _, g := range s.Delay.Stages {
		if g.Name == name {
			return g, true
		}
	}
	return callstate.Stage{}, false
}

func within(d, want, slack time.Duration) bool { return d >= want-slack && d <= want+slack }

func TestAddedDelayIsInTheLoopAndGoesAgain(t *testing.T) {
	trained(t, func(v *virtualCall, before callstate.Snapshot) {
		for _, added := range []time.Duration{200 * ms, time.Second, 50 * ms, 0} {
			v.Train(callstate.Training{Delay: added})
			time.Sleep(3 * time.Second)
			s := v.snapshot()
			if s.Training.Delay != added || s.Training.On() != (added > 0) {
				t.Errorf("the snapshot says %+v", s.Training)
			}
			if !within(s.Delay.Loop-before.Delay.Loop, added, 5*ms) {
				t.Errorf("%v added: the loop is %v, it was %v", added, s.Delay.Loop, before.Delay.Loop)
			}
			if !within(s.Delay.MouthToEarEst-before.Delay.MouthToEarEst, added, 5*ms) {
				t.Errorf("%v added: the stages add up to %v, they did to %v", added, s.Delay.MouthToEarEst, before.Delay.MouthToEarEst)
			}
			if g, ok := stage(s, "training"); ok != (added > 0) || g.Delay != added {
				t.Errorf("%v added: the stage is %+v, %v", added, g, ok)
			}
			if s.Delay.RTT > before.Delay.RTT+5*ms || s.Delay.Target > before.Delay.Target+5*ms {
				t.Errorf("%v added: round trip %v, target %v, before %v and %v", added, s.Delay.RTT, s.Delay.Target, before.Delay.RTT, before.Delay.Target)
			}
		}
		s := v.snapshot()
		if s.Traffic.Lost != 0 {
			t.Errorf("%d frames are lost", s.Traffic.Lost)
		}
		if s.Quality.MOS > before.Quality.MOS {
			t.Errorf("MOS %.2f, before %.2f", s.Quality.MOS, before.Quality.MOS)
		}
	})
}

func TestAChangeOfDelayIsHeardForItsLengthOnly(t *testing.T) {
	trained(t, func(v *virtualCall, _ callstate.Snapshot) {
		for _, step := range []time.Duration{100 * ms, 150 * ms, 300 * ms, 100 * ms, 0} {
			was := v.snapshot().Training.Delay
			concealed := v.snapshot().Counts.Concealed
			v.Train(callstate.Training{Delay: step})
			time.Sleep(2 * time.Second)
			made := time.Duration(v.snapshot().Counts.Concealed-concealed) * time.Second / 48000
			if most := max(0, step-was) + 80*ms; made > most {
				t.Errorf("from %v to %v: %v are made up, want %v at most", was, step, made, most)
			}
		}
		if longest := v.heard.longestSilence(); longest > 48*300 {
			t.Errorf("%d ms of silence", longest/48)
		}
	})
}

func TestAddedJitterRaisesTheBuffersTarget(t *testing.T) {
	trained(t, func(v *virtualCall, before callstate.Snapshot) {
		v.Train(callstate.Training{Jitter: 100 * ms})
		time.Sleep(20 * time.Second)
		s := v.snapshot()
		if s.Delay.Target < before.Delay.Target+30*ms || s.Delay.Jitter < before.Delay.Jitter+5*ms {
			t.Errorf("target %v, jitter %v; they were %v and %v", s.Delay.Target, s.Delay.Jitter, before.Delay.Target, before.Delay.Jitter)
		}
		if s.Delay.Loop < before.Delay.Loop+30*ms {
			t.Errorf("loop %v, it was %v", s.Delay.Loop, before.Delay.Loop)
		}
		ends := 20 * ms // the periods of both devices are outside the loop
		if way := s.Delay.MouthToEarEst - ends; !within(way, s.Delay.Loop, 25*ms) {
			t.Errorf("the stages add up to %v beside a loop of %v", way, s.Delay.Loop)
		}
	})
}

func TestAddedLossIsConcealedAndRated(t *testing.T) {
	trained(t, func(v *virtualCall, before callstate.Snapshot) {
		v.Train(callstate.Training{LossPct: 5})
		time.Sleep(60 * time.Second)
		s := v.snapshot()
		lost := float64(s.Traffic.Lost) / 3000 * 100
		concealed := float64(s.Counts.Concealed-before.Counts.Concealed) / (60 * 48000) * 100
		if lost < 4 || lost > 6 || concealed < 4 || concealed > 6 {
			t.Errorf("%.1f %% are lost and %.1f %% concealed, want 5", lost, concealed)
		}
		if s.Quality.LossPct <= before.Quality.LossPct || s.Quality.MOS >= before.Quality.MOS {
			t.Errorf("quality %+v, it was %+v", s.Quality, before.Quality)
		}
		v.Train(callstate.Training{})
		at := v.snapshot().Traffic.Lost
		time.Sleep(10 * time.Second)
		if now := v.snapshot().Traffic.Lost; now != at {
			t.Errorf("%d frames are lost after the training", now-at)
		}
	})
}

func TestTheAccountOfACallTellsOfItsTraining(t *testing.T) {
	trained(t, func(v *virtualCall, _ callstate.Snapshot) {
		v.Train(callstate.Training{Delay: 100 * ms, LossPct: 10})
		time.Sleep(10 * time.Second)
		v.leave(t)
		r := v.Report()
		if r.Training == nil || r.Training.OnS < 20 || r.Training.OnS > 22 || r.Training.DelayMS != 100 ||
			r.Training.LossPct != 10 || r.Training.Lost == 0 || r.Training.Refused != 0 {
			t.Errorf("%+v", r.Training)
		}
		if v.snapshot().Training.On() {
			t.Error("the training outlives the call")
		}
	})
}

func TestTheLastWordsComeThroughTheTraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		time.Sleep(5 * time.Second)
		v.Train(callstate.Training{Delay: 500 * ms})
		time.Sleep(5 * time.Second)
		received := v.snapshot().Traffic.Received
		v.Finish()
		if err := v.over(); err != nil {
			t.Fatal(err)
		}
		if s := v.snapshot(); s.Traffic.Received < received+20 {
			t.Errorf("%d packets came after the end of the call began, it holds 25", s.Traffic.Received-received)
		}
		v.net.close()
	})
}

func TestNoOtherCallIsTrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "tone"})
		defer v.end(t)
		time.Sleep(5 * time.Second)
		before := v.snapshot()
		if r := v.Report(); r.Training != nil {
			t.Errorf("the account has %+v", r.Training)
		}
		if v.Train(callstate.Training{Delay: time.Second, LossPct: 30}) {
			t.Error("a tone can be trained")
		}
		time.Sleep(5 * time.Second)
		if s := v.snapshot(); s.Training.On() || s.Traffic.Lost != 0 || s.Delay.Buffer > before.Delay.Buffer+20*ms {
			t.Errorf("%+v, %+v", s.Training, s.Traffic)
		}
	})
}

func TestTrainingOutlivesAConnection(t *testing.T) {
	trained(t, func(v *virtualCall, before callstate.Snapshot) {
		v.Train(callstate.Training{Delay: 300 * ms})
		time.Sleep(3 * time.Second)
		v.net.cut("")
		time.Sleep(5 * time.Second)
		s := v.snapshot()
		if s.Link.Resumes == 0 || !within(s.Delay.Loop-before.Delay.Loop, 300*ms, 10*ms) {
			t.Errorf("after %d resumes the loop is %v, it was %v", s.Link.Resumes, s.Delay.Loop, before.Delay.Loop)
		}
	})
}
