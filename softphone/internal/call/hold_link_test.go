package call_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/call"
)

// inOneRoom are two calls of one room, Ada's and another.
func inOneRoom(t *testing.T, dtx bool) (ada, other *virtualCall) {
	t.Helper()
	n := newNetwork(t, audio.NewClock(), nil)
	n.serve(hostA)
	coded := func(cfg *call.Config) { cfg.Codec = opus.Codec{} }
	// The other's way is its own: only Ada's has faults.
	other = dialVirtual(t, virtualOptions{destination: "room/x", net: n.beside(), id: "other", dtx: dtx, change: coded})
	ada = dialVirtual(t, virtualOptions{destination: "room/x", net: n, id: "ada", name: "Ada", dtx: dtx, change: coded})
	time.Sleep(3 * time.Second)
	return ada, other
}

// count is how often a sentence was said.
func (v *virtualCall) count(sentence string) int { return strings.Count(v.said(), sentence+"\n") }

// holds reports whether the other shows that Ada holds the call.
func (v *virtualCall) holds(t *testing.T) bool {
	t.Helper()
	r := v.snapshot().Roster
	if len(r) != 1 || r[0].Name != "Ada" {
		t.Fatalf("the other sees %+v", r)
	}
	return r[0].Held
}

func TestAHoldIsSeenAndNeitherHearsTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ada, other := inOneRoom(t, true)
		delay := other.snapshot().Delay.Buffer
		if !ada.heard.sounding() || !other.heard.sounding() || other.holds(t) {
			t.Fatal("they do not talk")
		}
		ada.SetHeld(true)
		ada.Digit('7')
		time.Sleep(5 * time.Second)
		if ada.heard.sounding() || other.heard.sounding() {
			t.Error("something is heard in a held call")
		}
		if !other.holds(t) || other.count("Ada holds the call.") != 1 || other.count("Ada pressed 7.") != 1 {
			t.Errorf("the other sees held %v and reads:\n%s", other.holds(t), other.said())
		}
		ada.SetHeld(false)
		took := after(t, 400*time.Millisecond, func() bool { return ada.heard.sounding() && other.heard.sounding() })
		t.Logf("both hear each other again after %v", took)
		time.Sleep(3 * time.Second)
		if other.holds(t) || other.count("Ada is back.") != 1 {
			t.Errorf("the other reads:\n%s", other.said())
		}
		if now := other.snapshot(); now.Delay.Buffer > delay+10*time.Millisecond || now.Counts.Concealed > 4*audio.PeriodSamples {
			t.Errorf("the other's buffer was %v and is %v, %d samples were made up", delay, now.Delay.Buffer, now.Counts.Concealed)
		}
		if s := ada.snapshot(); s.Delay.Buffer > delay+10*time.Millisecond {
			t.Errorf("the buffer of who held the call is %v", s.Delay.Buffer)
		}
		ada.leave(t)
		other.end(t)
		ada.net.close()
	})
}

func TestAHoldOutlivesItsConnectionAndItsServer(t *testing.T) {
	for name, fault := range map[string]struct {
		happens func(*network)
		mends   func(*network)
		lasts   time.Duration
	}{
		"cut":                   {func(n *network) { n.cut("") }, func(*network) {}, 0},
		"a hole":                {hole, mend, 8 * time.Second},
		"the way up held":       {func(n *network) { n.up.Set(true) }, mend, 8 * time.Second},
		"a server restarted":    {func(n *network) { n.kill(hostA) }, func(n *network) { n.serve(hostA) }, 2 * time.Second},
		"the computer slept":    {func(*network) {}, func(*network) {}, 0},
		"nothing, for too long": {func(*network) {}, func(*network) {}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ada, other := inOneRoom(t, true)
				ada.SetHeld(true)
				time.Sleep(time.Second)
				fault.happens(ada.net)
				if name == "the computer slept" {
					ada.Woke(time.Minute)
				}
				time.Sleep(fault.lasts)
				fault.mends(ada.net)
				time.Sleep(5 * time.Second)
				if !ada.Held() || !other.holds(t) || ada.heard.sounding() || other.heard.sounding() {
					t.Errorf("held %v, the other sees it %v, Ada hears %v, the other %v",
						ada.Held(), other.holds(t), ada.heard.sounding(), other.heard.sounding())
				}
				ada.Digit('#')
				time.Sleep(time.Second)
				ada.SetHeld(false)
				after(t, time.Second, func() bool { return ada.heard.sounding() && other.heard.sounding() && !other.holds(t) })
				if other.count("Ada pressed #.") != 1 {
					t.Errorf("the other reads:\n%s", other.said())
				}
				// And once more while there is no connection: what is said then counts.
				ada.net.hole(true)
				time.Sleep(7 * time.Second)
				ada.SetHeld(true)
				ada.SetHeld(false)
				ada.SetHeld(true)
				ada.Digit('9')
				time.Sleep(2 * time.Second)
				ada.net.hole(false)
				time.Sleep(4 * time.Second)
				if !other.holds(t) || other.heard.sounding() || other.count("Ada pressed 9.") != 1 {
					t.Errorf("held while the link was lost: seen %v, heard %v, read:\n%s", other.holds(t), other.heard.sounding(), other.said())
				}
				ada.leave(t)
				other.end(t)
				ada.net.close()
			})
		})
	}
}

func TestDigitsCrossALossOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ada, other := inOneRoom(t, false)
		// A digit each 130 ms, while the connection is cut again and again.
		keys := "0123456789*#ABCD"
		for i := range 3 * len(keys) {
			ada.Digit(keys[i%len(keys)])
			time.Sleep(130 * time.Millisecond)
			if i%9 == 8 {
				ada.net.cut("")
			}
		}
		time.Sleep(3 * time.Second)
		var got strings.Builder
		for line := range strings.Lines(other.said()) {
			if key, ok := strings.CutPrefix(line, "Ada pressed "); ok {
				got.WriteString(key[:1])
			}
		}
		if want := strings.Repeat(keys, 3); got.String() != want {
			t.Errorf("the other reads %s, want %s", got.String(), want)
		}
		ada.leave(t)
		other.end(t)
		ada.net.close()
	})
}

func TestAnEchoTellsThatADigitArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		time.Sleep(time.Second)
		v.Digit('5')
		v.SetHeld(true)
		time.Sleep(time.Second)
		if v.count("The server heard 5.") != 1 {
			t.Errorf("said:\n%s", v.said())
		}
		v.end(t)
	})
}
