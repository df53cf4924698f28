package check_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/check"
	"callcenter/softphone/internal/phone"
)

// bench is a check in virtual time.
type bench struct {
	*check.Check
	headset *headset
	net     *network
}

func newBench(h *headset, n *network, change ...func(*check.Config)) *bench {
	b := &bench{headset: h, net: n}
	cfg := check.Config{
		Sound: h, Servers: []string{"127.0.0.1:50051"}, Connect: (&phone.Access{Dial: n.dial}).Connect,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960}, Version: "test",
	}
	for _, f := range change {
		f(&cfg)
	}
	b.Check = check.New(cfg)
	h.ask = func() string { return b.State().Ask + "     " }
	return b
}

// run runs one check as a desk does, and returns what it said.
func (b *bench) run(t *testing.T) callstate.Check {
	t.Helper()
	b.Begin()
	for range 4000 {
		if s := b.State(); s.Done || s.Err != "" {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the check does not end")
	return callstate.Check{}
}

// grades are the lines that are not PASS, by key.
func grades(s callstate.Check) map[string]callstate.Grade {
	m := make(map[string]callstate.Grade)
	for _, l := range s.Lines {
		if l.Grade > callstate.GradePass {
			m[l.Key] = l.Grade
		}
	}
	return m
}

// trying runs f with a check in virtual time, and wants every device back after it.
func trying(t *testing.T, h *headset, serverDown bool, f func(t *testing.T, b *bench), change ...func(*check.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, serverDown)
		b := newBench(h, n, change...)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = b.Run(ctx)
		}()
		f(t, b)
		cancel()
		<-done
		if now, _ := h.count(); now != 0 {
			t.Errorf("%d devices are open at the end", now)
		}
		n.close()
	})
}

// wants fails unless the lines named, and no others, have these grades.
func wants(t *testing.T, s callstate.Check, want map[string]callstate.Grade) {
	t.Helper()
	got := grades(s)
	if !maps.Equal(got, want) {
		t.Errorf("grades %v, want %v", got, want)
	}
	worst := callstate.GradePass
	for _, g := range want {
		worst = max(worst, g)
	}
	if s.Grade != worst || !s.Done || s.Running {
		t.Errorf("the check is %v, done %v, running %v; want %v", s.Grade, s.Done, s.Running, worst)
	}
	for _, l := range s.Lines {
		t.Logf("%v %s: %s %s", l.Grade, l.Title, l.Finding, l.Advice)
		if l.Finding == "" || (l.Advice != "") != (l.Grade > callstate.GradePass) {
			t.Errorf("line %+v", l)
		}
		if l.Grade == callstate.GradeNone && !strings.HasPrefix(l.Finding, "not tested: ") {
			t.Errorf("%s is not tested, and says no reason: %q", l.Key, l.Finding)
		}
	}
}

const (
	warns = callstate.GradeWarn
	fails = callstate.GradeFail
)

func TestAHealthyDeskPasses(t *testing.T) {
	trying(t, &headset{}, false, func(t *testing.T, b *bench) {
		began := time.Now()
		s := b.run(t)
		wants(t, s, nil)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		if len(s.Lines) != 17 {
			t.Errorf("%d lines", len(s.Lines))
		}
		for _, l := range s.Lines {
			if l.Grade != callstate.GradePass {
				t.Errorf("%s is not PASS: %s", l.Key, l.Finding)
			}
		}
	})
}

// TestEachFaultIsNamedAndNothingElse makes one fault in a desk that is healthy
// otherwise.
func TestEachFaultIsNamedAndNothingElse(t *testing.T) {
	stall := func(g func(*network) *servertest.Gate, long time.Duration, begin ...time.Duration) func(*network) {
		return func(n *network) {
			at := time.Duration(0)
			for _, b := range begin {
				time.Sleep(b - at)
				g(n).Set(true)
				time.Sleep(long)
				g(n).Set(false)
				at = b + long
			}
		}
	}
	up, down := func(n *network) *servertest.Gate { return n.up }, func(n *network) *servertest.Gate { return n.down }
	const second = time.Second
	for name, c := range map[string]struct {
		headset *headset
		down    bool
		link    func(*network)
		key     string
		grade   callstate.Grade
		says    string
		slow    bool // not with the race detector, for which it has nothing that others lack
	}{
		"a silent microphone":                 {headset: &headset{zeros: true}, key: "microphone_sound", grade: fails, says: "exact zeros"},
		"a flat microphone":                   {headset: &headset{flat: true}, key: "microphone_sound", grade: fails, says: "flat level", slow: true},
		"a clipping microphone":               {headset: &headset{gain: 4}, key: "clipping", grade: fails, says: "above", slow: true},
		"one that clips below full scale":     {headset: &headset{gain: 2, clipAt: 0.4}, key: "clipping", grade: fails, says: "flat tops", slow: true},
		"an echo of -20 dB after 120 ms":      {headset: &headset{echo: -20, delay: 120 * time.Millisecond}, key: "echo", grade: fails, says: "-20 dB after 120 ms", slow: true},
		"an echo of -40 dB after 260 ms":      {headset: &headset{echo: -40, delay: 260 * time.Millisecond}, key: "echo", grade: warns, says: "-40 dB after 260 ms", slow: true},
		"a microphone that is fast":           {headset: &headset{micPPM: 300}, key: "clock_drift", grade: warns, says: "microphone +300", slow: true},
		"an earpiece that is slow":            {headset: &headset{earPPM: -300}, key: "clock_drift", grade: warns, says: "earpiece -300", slow: true},
		"a headset that is fast":              {headset: &headset{micPPM: 300, earPPM: 300}, key: "clock_drift", grade: warns, says: "between them", slow: true},
		"a clock that runs away":              {headset: &headset{micPPM: -5000}, key: "clock_drift", grade: fails, says: "microphone -5000", slow: true},
		"a server that is down":               {down: true, key: "server", grade: fails, says: "cannot be reached (connection refused)"},
		"an uplink that stalls twice":         {link: stall(up, 1500*time.Millisecond, 5*second, 9*second), key: "link", grade: fails, says: "uplink stood still twice, 1.", slow: true},
		"a downlink that stalls twice":        {link: stall(down, 1500*time.Millisecond, 5*second, 9*second), key: "link", grade: fails, says: "downlink stood still twice, 1."},
		"a downlink that stalls once":         {link: stall(down, 700*time.Millisecond, 6*second), key: "link", grade: warns, says: "downlink stood still once, 0.", slow: true},
		"a loud room":                         {headset: &headset{noise: 500}, key: "noise_floor", grade: warns, says: "-41 dBFS", slow: true},
		"an operator who is not silent":       {headset: &headset{chatty: true}, key: "noise_floor", grade: fails, slow: true},
		"nobody who speaks":                   {headset: &headset{mute: true}, key: "speech_level", grade: fails, says: "no speech was heard", slow: true},
		"a microphone that is turned down":    {headset: &headset{gain: 0.3}, key: "speech_level", grade: warns, says: "dB from the -22 dBFS of a call", slow: true},
		"no microphone":                       {headset: &headset{refuse: errors.New("no microphone is connected")}, key: "microphone", grade: fails, says: "no microphone is connected", slow: true},
		"no earpiece":                         {headset: &headset{refuseEar: errors.New("no earpiece is connected")}, key: "earpiece", grade: fails, says: "no earpiece is connected", slow: true},
		"a microphone that stops for a while": {headset: &headset{pauses: true}, key: "microphone", grade: warns, says: "it stopped once", slow: true},
		"a microphone that dies":              {headset: &headset{dies: 6 * second}, key: "microphone", grade: fails, says: "brings nothing"},
	} {
		if c.slow && underRace {
			continue
		}
		t.Run(name, func(t *testing.T) {
			h := c.headset
			if h == nil {
				h = &headset{}
			}
			trying(t, h, c.down, func(t *testing.T, b *bench) {
				if c.link != nil {
					go c.link(b.net)
				}
				s := b.run(t)
				wants(t, s, map[string]callstate.Grade{c.key: c.grade})
				for _, l := range s.Lines {
					if l.Key == c.key && !strings.Contains(l.Finding, c.says) {
						t.Errorf("%s: %q, want %q in it", c.key, l.Finding, c.says)
					}
				}
			})
		})
	}
}
