package call_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// fault is something that happens to a call's link, and what is to come of it.
type fault struct {
	happens, mends func(*network)
	lasts          time.Duration
	back           time.Duration // after the end of the fault, at most
	resumes        uint64        // connections that the call goes over to
	dials          int64         // of all; 0: any number
	says           []string      // in this order, and each once
}

const (
	problem = "Connection problem: nothing heard from " + hostA + " for 1 s."
	gone    = "Connection lost, trying " + hostA + " again."
	backOn  = " s on " + hostA + "."
)

func hole(n *network) { n.hole(true) }
func mend(n *network) { n.hole(false) }

var faults = map[string]fault{
	"cut": {
		happens: func(n *network) { n.cut("") }, back: time.Second, resumes: 1, dials: 2,
		says: []string{gone, backOn},
	},
	"the way up held for 4 s": {
		happens: func(n *network) { n.up.Set(true) }, mends: mend, lasts: 4 * time.Second, back: 2 * time.Second,
	},
	"the way down held for 4 s": {
		happens: func(n *network) { n.down.Set(true) }, mends: mend, lasts: 4 * time.Second, back: time.Second,
		says: []string{problem, backOn},
	},
	"the way up held for 10 s": {
		happens: func(n *network) { n.up.Set(true) }, mends: mend, lasts: 10 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{gone, backOn},
	},
	"the way down held for 10 s": {
		happens: func(n *network) { n.down.Set(true) }, mends: mend, lasts: 10 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{problem, gone, backOn},
	},
	"a hole of 2 s": {
		happens: hole, mends: mend, lasts: 2 * time.Second, back: 500 * time.Millisecond, dials: 1,
		says: []string{problem, backOn},
	},
	"a hole of 4 s": {
		happens: hole, mends: mend, lasts: 4 * time.Second, back: time.Second,
		says: []string{problem, backOn},
	},
	"a hole of 10 s": {
		happens: hole, mends: mend, lasts: 10 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{problem, gone, backOn},
	},
	"a hole of 29 s": {
		happens: hole, mends: mend, lasts: 29 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{problem, gone, backOn},
	},
	"a hole of 31 s": {
		happens: hole, mends: mend, lasts: 31 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{problem, gone, backOn},
	},
	"a server killed and restarted": {
		happens: func(n *network) { n.kill(hostA) },
		mends:   func(n *network) { n.serve(hostA) }, lasts: 3 * time.Second, back: 2 * time.Second, resumes: 1,
		says: []string{gone, backOn},
	},
}

func TestACallOutlivesItsLink(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { outlive(t, f) })
		})
	}
}

func outlive(t *testing.T, f fault) {
	v := dialVirtual(t, virtualOptions{destination: "echo"})
	defer v.end(t)
	time.Sleep(10 * time.Second)
	before := v.snapshot()
	f.happens(v.net)
	time.Sleep(f.lasts)
	if f.mends != nil {
		f.mends(v.net)
	}
	back := after(t, f.back, func() bool {
		s := v.snapshot()
		return s.Link.State == callstate.LinkUp && s.Link.Resumes >= f.resumes && s.Traffic.Received > before.Traffic.Received && v.heard.sounding()
	})
	time.Sleep(6 * time.Second)
	s := v.snapshot()
	t.Logf("back after %v: %+v, gap %v, %d dials, buffer %v", back, s.Traffic, s.Link.Gap, v.net.dials.Load(), s.Delay.Buffer)
	if s.Delay.Buffer > before.Delay.Buffer+10*time.Millisecond || s.Delay.Loop > before.Delay.Loop+10*time.Millisecond {
		t.Errorf("buffer %v, loop %v; before they were %v and %v", s.Delay.Buffer, s.Delay.Loop, before.Delay.Buffer, before.Delay.Loop)
	}
	if s.Traffic.Lost > 0 {
		t.Errorf("%d frames are lost without a mark", s.Traffic.Lost)
	}
	if s.CallID != "virtual" || s.Traffic.Sent <= before.Traffic.Sent || s.Duration < before.Duration+f.lasts {
		t.Errorf("it is not the same call: id %s, %d sent, %v", s.CallID, s.Traffic.Sent, s.Duration)
	}
	if n := v.net.dials.Load(); f.dials != 0 && n != f.dials || s.Link.Resumes > max(f.resumes, 1) {
		t.Errorf("%d connections, %d resumes", n, s.Link.Resumes)
	}
	said := v.said()
	if lines := strings.Count(said, "\n"); lines != len(f.says) && f.says != nil {
		t.Errorf("said:\n%s", said)
	}
	for _, want := range f.says {
		if strings.Count(said, want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, said)
		}
	}
	r := v.Report()
	if r.Reconnects != s.Link.Resumes || (r.GapS > 0) != (len(f.says) > 0) || r.GapS > (f.lasts+f.back).Seconds() {
		t.Errorf("the report has %d reconnects and a gap of %v s", r.Reconnects, r.GapS)
	}
}

func TestACallThatCannotComeBackIsLostAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		time.Sleep(5 * time.Second)
		v.net.kill(hostA)
		begin := time.Now()
		time.Sleep(100 * time.Millisecond)
		if l := v.snapshot().Link; l.State != callstate.LinkLost || l.GiveUpIn > 30*time.Second || l.GiveUpIn < 29*time.Second {
			t.Errorf("after 100 ms the link is %+v", l)
		}
		err := v.over()
		var lost *call.LostError
		if took := time.Since(begin); !errors.As(err, &lost) || took < 29*time.Second || took > 31*time.Second {
			t.Errorf("ended after %v with %v", took, err)
		}
		v.net.close()
	})
}

func TestHangingUpWithoutALinkEndsAtOnce(t *testing.T) {
	for name, happens := range map[string]func(*network){
		"a dead server": func(n *network) { n.kill(hostA) },
		"a hole":        hole,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := dialVirtual(t, virtualOptions{destination: "echo"})
				time.Sleep(5 * time.Second)
				happens(v.net)
				time.Sleep(8 * time.Second)
				begin := time.Now()
				v.leave(t)
				if took := time.Since(begin); took > 50*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				v.net.close()
			})
		})
	}
}

func TestTheNextServerOfTheListAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostB)
		v := dialVirtual(t, virtualOptions{destination: "echo", net: n, servers: []string{hostA, hostB}})
		time.Sleep(5 * time.Second)
		if s := v.snapshot(); s.Link.Server != hostB || s.Link.State != callstate.LinkUp {
			t.Errorf("the link is %+v", s.Link)
		}
		n.serve(hostA)
		n.kill(hostB)
		back := after(t, 2*time.Second, func() bool { s := v.snapshot(); return s.Link.Server == hostA && v.heard.sounding() })
		t.Logf("on the other server after %v", back)
		v.end(t)
		if !strings.Contains(v.said(), "Back after 0.") {
			t.Errorf("said:\n%s", v.said())
		}
	})
}

func TestADialedCallFailsOnceNoServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		v := dialVirtual(t, virtualOptions{destination: "echo", net: n, servers: []string{hostA, hostB}})
		var of *call.ServerError
		if err := v.over(); !errors.As(err, &of) || of.Server != hostB || !strings.Contains(err.Error(), "refused") {
			t.Errorf("it ended with %v", err)
		}
		n.close()
	})
}

func TestACallMovesFromAServerThatDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		a := n.serve(hostA)
		n.serve(hostB)
		v := dialVirtual(t, virtualOptions{destination: "tone", net: n, servers: []string{hostA, hostB}})
		time.Sleep(5 * time.Second)
		a.Drain()
		if err := a.Wait(); err != nil {
			t.Errorf("the server that drains ended with %v", err)
		}
		time.Sleep(5 * time.Second)
		s := v.snapshot()
		if s.Link.Server != hostB || s.Link.Resumes != 1 || s.Link.Gap != 0 || s.Link.Draining {
			t.Errorf("the link is %+v", s.Link)
		}
		longest := v.heard.longestSilence()
		t.Logf("longest silence %d samples, %d samples made up", longest, s.Counts.Concealed)
		if longest > audio.PeriodSamples || s.Counts.Concealed > 4*audio.PeriodSamples || s.Traffic.Lost != 0 {
			t.Errorf("%d samples of silence, %d made up, %d frames lost", longest, s.Counts.Concealed, s.Traffic.Lost)
		}
		v.end(t)
		if want := hostA + " is shutting down and ends this call soon: moving it.\nThe call moved to " + hostB + ".\n"; v.said() != want {
			t.Errorf("said:\n%s", v.said())
		}
	})
}

func TestACallOutlivesTheRestartOfItsOnlyServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		a := n.serve(hostA, func(o *servertest.Options) { o.DrainTimeout = 5 * time.Second })
		v := dialVirtual(t, virtualOptions{destination: "echo", net: n})
		time.Sleep(5 * time.Second)
		a.Drain()
		time.Sleep(3 * time.Second)
		if s := v.snapshot(); !s.Link.Draining || s.Link.State != callstate.LinkUp || s.Link.Resumes != 0 || s.Traffic.Lost+s.Traffic.Dropped != 0 {
			t.Errorf("while it drains: %+v, %+v", s.Link, s.Traffic)
		}
		if err := a.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		time.Sleep(time.Second)
		n.serve(hostA)
		after(t, 2*time.Second, func() bool { s := v.snapshot(); return s.Link.Resumes == 1 && v.heard.sounding() })
		if n := n.dials.Load(); n > 14 {
			t.Errorf("%d connections", n)
		}
		v.end(t)
		if lines := strings.Count(v.said(), "\n"); lines != 3 && lines != 4 {
			t.Errorf("said:\n%s", v.said())
		}
	})
}
