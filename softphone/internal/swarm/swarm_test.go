package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/phone"
)

// swarmTo runs a swarm to a server of the test's own.
func swarmTo(t *testing.T, o servertest.Options, change func(*Config)) (Report, error) {
	t.Helper()
	s := servertest.Start(t, o)
	return Run(t.Context(), plan(func(c *Config) {
		c.Server, c.Connect = s.Addr, phone.Connect
		c.Codec, c.Options.Complexity, c.Ramp = opus.Codec{}, 0, 0
		change(c)
	}))
}

// runUntil is swarmTo until enough was counted, which a slow computer may take a
// minute for.
func runUntil(t *testing.T, enough func(*tally) bool, change func(*Config)) (Report, error) {
	t.Helper()
	server := servertest.Start(t, servertest.Options{})
	clock := audio.NewClock()
	s := &swarm{clock: clock, cfg: plan(func(c *Config) {
		c.Server, c.Connect, c.Clock = server.Addr, phone.Connect, clock
		c.Codec, c.Options.Complexity = opus.Codec{}, 0
		change(c)
	})}
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for !enough(&s.tally) && wait(ctx, 20*time.Millisecond) {
		}
		cancel()
	}()
	r, err := s.run(ctx)
	<-watched
	return r, errors.Join(err, s.close())
}

func TestEchoCallsAreHeldAndVerified(t *testing.T) {
	t.Parallel()
	var progress bytes.Buffer
	r, err := swarmTo(t, servertest.Options{}, func(c *Config) {
		c.Destination, c.Calls, c.Streams = "echo", 10, 4
		c.Ramp, c.Duration, c.Progress = 100*time.Millisecond, 2*time.Second, &progress
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Held != 10 || r.Verified < 500 || r.Lost != 0 || r.AddedDelay.Count < 500 || r.AddedDelay.P50 <= 0 {
		t.Errorf("%+v", r)
	}
	if r.ServerCPU != nil {
		t.Errorf("a server in this process used %+v", r.ServerCPU)
	}
	if !strings.Contains(progress.String(), "held 10 of 10") {
		t.Errorf("progress %q", progress.String())
	}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil || !strings.Contains(text.String(), "echo frames are what was sent, failures 0") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

func TestCallsInRoomsHearTheOthersAndNotThemselves(t *testing.T) {
	t.Parallel()
	for _, dtx := range []bool{true, false} {
		t.Run(fmt.Sprintf("silence is announced %v", dtx), func(t *testing.T) {
			t.Parallel()
			r, err := runUntil(t, func(c *tally) bool { return c.windows.Load() >= 4 && c.added.n.Load() >= 4 }, func(c *Config) {
				c.Calls, c.Rooms, c.Talkers, c.DTX = 6, 2, 2, dtx
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Held != 6 || r.Windows < 4 || r.AddedDelay.Count < 4 || r.Behind.Count == 0 {
				t.Errorf("%+v", r)
			}
			t.Logf("added %+v, behind %+v, windows %d", r.AddedDelay, *r.Behind, r.Windows)
		})
	}
}

func TestTwoInARoomHearTheBytesThatTheOtherSaid(t *testing.T) {
	t.Parallel()
	for name, talkers := range map[string]int{"both talk": 2, "one talks": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := runUntil(t, func(c *tally) bool { return c.added.n.Load() >= 200 }, func(c *Config) {
				c.Calls, c.Rooms, c.Talkers = 4, 2, talkers
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Held != 4 || r.Verified < 200 || r.Missed > 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestRefusedCallsAreCountedByStatusWithASentence(t *testing.T) {
	t.Parallel()
	r, err := swarmTo(t, servertest.Options{MaxCalls: 2}, func(c *Config) {
		c.Destination, c.Calls, c.Duration = "echo", 5, 100*time.Millisecond
	})
	if err == nil || !strings.Contains(err.Error(), "held 2 of 5 calls: refused 3 with ResourceExhausted") || !strings.Contains(err.Error(), "--max-calls") {
		t.Errorf("%v", err)
	}
	if r.Held != 2 || r.Refused["ResourceExhausted"] != 3 || r.Failures != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	s.Kill()
	r, err := Run(t.Context(), plan(func(c *Config) {
		c.Server, c.Connect, c.Destination, c.Calls = s.Addr, phone.Connect, "echo", 2
		c.Duration = time.Millisecond
	}))
	if err == nil || !strings.Contains(err.Error(), s.Addr) || r.Refused["Unavailable"] != 2 {
		t.Errorf("%v\n%+v", err, r)
	}
}
