package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/check"
)

// line is a phone that is busy or not.
type line struct{ state atomic.Int32 }

func (l *line) Snapshot() callstate.Snapshot {
	return callstate.Snapshot{State: callstate.State(l.state.Load())}
}

func (l *line) set(s callstate.State) { l.state.Store(int32(s)) }

func TestAnOperatorIsToldWhatToDo(t *testing.T) {
	h := &headset{}
	trying(t, h, false, func(t *testing.T, b *bench) {
		var asked []string
		last := time.Duration(1<<62 - 1)
		b.Begin()
		for s := b.State(); !s.Done; s = b.State() {
			if !s.Running || s.Err != "" || s.Left < 0 || s.Total < 0 || s.Total > 18*time.Second {
				t.Fatalf("state %+v", s)
			}
			if len(asked) == 0 || asked[len(asked)-1] != s.Ask {
				asked = append(asked, s.Ask)
			}
			if s.Total > last {
				t.Errorf("%v are left after %v", s.Total, last)
			}
			last = s.Total
			if strings.HasPrefix(s.Ask, "Speak") && s.Left < 4*time.Second && s.Level.Hold < -40 {
				t.Errorf("the meter shows %+v", s.Level)
			}
			time.Sleep(50 * time.Millisecond)
		}
		for i, want := range []string{"Put the headset on", "Be silent", "Speak", "Listen"} {
			if i >= len(asked) || !strings.HasPrefix(asked[i], want) {
				t.Fatalf("asked %q", asked)
			}
		}
		b.End()
		if s := b.State(); !s.Done || len(s.Lines) == 0 {
			t.Errorf("what was found is gone: %+v", s)
		}
	})
}

func TestACheckDoesNotBeginInACallAndGivesWayToOne(t *testing.T) {
	l := &line{}
	h := &headset{}
	trying(t, h, false, func(t *testing.T, b *bench) {
		l.set(callstate.Live)
		if s := b.run(t); !strings.HasPrefix(s.Err, "A call is up") || s.Running {
			t.Errorf("state %+v", s)
		}
		if _, ever := h.count(); ever != 0 {
			t.Errorf("%d devices were opened", ever)
		}
		l.set(callstate.Idle)
		b.Begin()
		time.Sleep(6 * time.Second)
		if now, _ := h.count(); now != 2 {
			t.Fatalf("%d devices are open", now)
		}
		l.set(callstate.Dialing)
		time.Sleep(600 * time.Millisecond)
		if s := b.State(); !strings.HasPrefix(s.Err, "A call began") || s.Running || s.Done {
			t.Errorf("state %+v", s)
		}
		if now, _ := h.count(); now != 0 {
			t.Errorf("%d devices are open", now)
		}
	}, func(c *check.Config) { c.Phone = l })
}

func TestEndGivesEveryDeviceBackAtAnyMoment(t *testing.T) {
	h := &headset{}
	trying(t, h, false, func(t *testing.T, b *bench) {
		for _, after := range []time.Duration{0, 5 * time.Millisecond, time.Second, 6 * time.Second, 14 * time.Second} {
			b.Begin()
			time.Sleep(after)
			b.End()
			if s := b.State(); s.Running {
				t.Errorf("ended after %v: %+v", after, s)
			}
			time.Sleep(time.Second)
			if now, _ := h.count(); now != 0 {
				t.Errorf("ended after %v: %d devices are open", after, now)
			}
		}
	})
}

func TestACheckIsBegunAnew(t *testing.T) {
	h := &headset{zeros: true}
	trying(t, h, false, func(t *testing.T, b *bench) {
		b.Begin()
		time.Sleep(5 * time.Second)
		h.mu.Lock()
		h.zeros = false
		h.mu.Unlock()
		began := time.Now()
		s := b.run(t)
		wants(t, s, nil)
		if took := time.Since(began); took < 15*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestASoundSystemThatHangsEndsTheOpening(t *testing.T) {
	trying(t, &headset{hang: true}, false, func(t *testing.T, b *bench) {
		began := time.Now()
		s := b.run(t)
		wants(t, s, map[string]callstate.Grade{"microphone": fails, "earpiece": fails})
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAServerThatAcceptsAndNeverAnswersEndsInTime(t *testing.T) {
	trying(t, &headset{}, true, func(t *testing.T, b *bench) {
		b.net.lis = bufconn.Listen(1 << 10) // nobody serves there
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			for {
				conn, err := b.net.lis.Accept()
				if err != nil {
					return
				}
				defer func() { _ = conn.Close() }()
			}
		}()
		began := time.Now()
		s := b.run(t)
		wants(t, s, map[string]callstate.Grade{"server": fails})
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		_ = b.net.lis.Close()
		<-accepted
	})
}

func TestWithoutAnythingTheCheckIsShort(t *testing.T) {
	none := errors.New("none")
	trying(t, &headset{refuse: none, refuseEar: none}, true, func(t *testing.T, b *bench) {
		began := time.Now()
		s := b.run(t)
		wants(t, s, map[string]callstate.Grade{"microphone": fails, "earpiece": fails, "server": fails})
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestTheReportOfAScriptHasTheSameLinesAndTheirFigures(t *testing.T) {
	h := &headset{echo: -20, delay: 120 * time.Millisecond}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, false)
		b := newBench(h, n)
		var asked atomic.Pointer[string]
		h.ask = func() string { return *asked.Load() + "     " }
		r := b.Measure(t.Context(), func(s callstate.Check) { asked.Store(&s.Ask) })
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Grade, Version, Server string
			ServerVersion          string `json:"server_version"`
			Lines                  []struct {
				Key, Title, Grade, Finding, Advice string
				Figures                            map[string]float64
			}
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if got.Grade != "FAIL" || got.Version != "test" || got.ServerVersion != "servertest" || len(got.Lines) != len(r.Lines) {
			t.Errorf("%s", raw)
		}
		for _, l := range got.Lines {
			if l.Key == "echo" && (l.Figures["echo_db"] > -19.5 || l.Figures["echo_db"] < -20.5 || l.Figures["delay_ms"] < 119.8 || l.Figures["delay_ms"] > 120.2) {
				t.Errorf("echo %v", l.Figures)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r = b.Measure(ctx, func(callstate.Check) {})
		if raw, err = json.Marshal(r); err != nil || !strings.Contains(string(raw), `"grade":"FAIL","lines":[]`) ||
			!strings.Contains(string(raw), `"server":null,"server_version":null`) || !strings.Contains(string(raw), "given up") {
			t.Errorf("given up: %s, %v", raw, err)
		}
		n.close()
	})
}
