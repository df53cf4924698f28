package call_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/phone"
)

// recorded keeps what an earpiece plays.
type recorded struct {
	mu  sync.Mutex
	pcm []int16
}

func (r *recorded) Write(pcm []int16) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pcm = append(r.pcm, pcm...)
	return nil
}

func (r *recorded) Close() error { return nil }

func (r *recorded) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pcm = nil
}

// between is what was played from one time to another.
func (r *recorded) between(from, to time.Duration) []int16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pcm[min(audio.Samples(from), len(r.pcm)):min(audio.Samples(to), len(r.pcm))])
}

// played is for how long so far.
func (r *recorded) played() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return audio.Duration(len(r.pcm))
}

// device is a call whose sound devices run from the start, as real ones do. The
// microphone is silent.
type device struct {
	*call.Call
	net    *network
	ear    recorded
	ending atomic.Int64 // when the end began to be heard
	began  time.Duration
	done   chan error
	unplug context.CancelFunc
	all    sync.WaitGroup
}

func dialDevice(t *testing.T, n *network, destination string, change ...func(*call.Config)) *device {
	t.Helper()
	d := &device{net: n, done: make(chan error, 1)}
	capture, playback := port.NewCapture(n.clock), port.NewPlayback(n.clock)
	end := audio.Endpoint{Backend: "test", Period: audio.Period, Periods: 2}
	cfg := call.Config{
		Servers: []string{hostA}, Connect: phone.ConnectVia(n.dial), CallID: "sounds", Destination: destination,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960}, Sounds: true, Unprotected: true,
		Clock: n.clock, Capture: capture, Playback: playback, Microphone: end, Earpiece: end,
		OnEnding: func() { d.ending.Store(int64(n.clock())) },
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if d.Call, err = call.New(cfg); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, d.unplug = context.WithCancel(t.Context())
	d.all.Go(func() { _ = pace.RunPlayback(ctx, &d.ear, playback) })
	silence, err := tone.New(100, -90)
	if err != nil {
		t.Fatal(err)
	}
	d.all.Go(func() { _ = pace.RunCapture(ctx, silence, capture) })
	time.Sleep(55 * ms) // devices are warm
	d.ear.forget()
	d.began = n.clock()
	d.all.Go(func() { d.done <- d.Run(context.Background()) })
	return d
}

// over waits for the end of the call, and returns its error.
func (d *device) over() error {
	err := <-d.done
	d.unplug()
	d.all.Wait()
	d.net.close()
	return err
}

// wantTone wants a steady tone of that pitch, or silence where that is 0.
func (d *device) wantTone(t *testing.T, what string, from, to time.Duration, hz float64) {
	t.Helper()
	part := d.ear.between(from, to)
	if len(part) < audio.Samples(to-from) {
		t.Fatalf("%s: only %v were played", what, d.ear.played())
	}
	peak := audiotest.Peak(part)
	if hz == 0 {
		if peak > 20 {
			t.Errorf("%s: a peak of %d from %v to %v, want silence", what, peak, from, to)
		}
		return
	}
	if level := audiotest.Goertzel(part, hz); level < 1000 || peak > 1700 {
		t.Errorf("%s: %.0f Hz has an amplitude of %.0f from %v to %v, of a peak of %d", what, hz, level, from, to, peak)
	}
}

func inBubble(t *testing.T, f func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		f(t, n)
	})
}

func TestACallRingsUntilItIsAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		n.hole(true)
		d := dialDevice(t, n, "echo")
		time.Sleep(900 * ms)
		n.hole(false)
		time.Sleep(time.Second)
		d.wantTone(t, "before it rings", 0, 390*ms, 0)
		d.wantTone(t, "it rings", 450*ms, 850*ms, 425)
		d.wantTone(t, "its answer, first", 970*ms, 1010*ms, 880)
		d.wantTone(t, "its answer, last", 1110*ms, 1150*ms, 1318.51)
		d.wantTone(t, "after the answer", 1300*ms, 1800*ms, 0)
		d.HangUp()
		if err := d.over(); err != nil {
			t.Error(err)
		}
		if s := d.Report().Stats.Cues; s.Played != 3 || s.Missed != 0 {
			t.Errorf("counted %+v, want ring, answer and end", s)
		}
	})
}

func TestTheOperatorHearsTheEndOfHisCallAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		d := dialDevice(t, n, "echo")
		time.Sleep(3 * time.Second)
		d.wantTone(t, "in the call", 500*ms, 2900*ms, 0)
		sent, at := d.Report().Sent, d.ear.played()
		d.HangUp()
		if err := d.over(); err != nil {
			t.Error(err)
		}
		if took := d.ear.played() - at; took < 140*ms || took > 220*ms {
			t.Errorf("over %v after hanging up", took)
		}
		d.wantTone(t, "the end", at+40*ms, at+100*ms, 440)
		d.wantTone(t, "what a device still holds", d.ear.played()-15*ms, d.ear.played(), 0)
		if r := d.Report(); r.Sent > sent+2 || r.DurationS > 3.02 {
			t.Errorf("%d frames were sent after hanging up; the call lasted %.3f s", r.Sent-sent, r.DurationS)
		}
		if d.ending.Load() == 0 {
			t.Error("nobody was told that it ends")
		}
	})
}

func TestACallThatFailsIsHeardToEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		d := dialDevice(t, n, "room/No such room")
		if err := d.over(); err == nil {
			t.Error("no error")
		}
		at := time.Duration(d.ending.Load()) - d.began
		d.wantTone(t, "the first note", at+30*ms, at+75*ms, 425)
		d.wantTone(t, "the second note", at+205*ms, at+245*ms, 425)
		if took := d.ear.played() - at; took > 330*ms {
			t.Errorf("its end took %v", took)
		}
	})
}

func TestACallWhoseLinkIsLostForGoodIsHeardToEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		d := dialDevice(t, n, "echo")
		time.Sleep(2 * time.Second)
		n.kill(hostA)
		if err := d.over(); err == nil {
			t.Error("no error")
		}
		if lasted := d.ear.played(); lasted < call.KeepTrying {
			t.Errorf("over after %v", lasted)
		}
		at := time.Duration(d.ending.Load()) - d.began
		d.wantTone(t, "the end", at+30*ms, at+75*ms, 425)
		// Answer, link lost, end; the link is not back.
		if s := d.Report().Stats.Cues; s.Played != 3 {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestALinkThatIsLostIsHeardOnceAndSoIsItsReturn(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		d := dialDevice(t, n, "echo")
		time.Sleep(2 * time.Second)
		back := n.lose(hostA)
		time.Sleep(10 * time.Second)
		d.wantTone(t, "lost, first", 2035*ms, 2075*ms, 523.25)
		d.wantTone(t, "lost, last", 2215*ms, 2255*ms, 329.63)
		d.wantTone(t, "while it is lost", 2600*ms, 11*time.Second, 0)
		back()
		time.Sleep(3 * time.Second)
		if s := d.Report().Stats.Cues; s.Played != 3 {
			t.Errorf("counted %+v, want the answer, the loss and the return", s)
		}
		d.HangUp()
		if err := d.over(); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyWaitsForAnEarpieceThatStandsStill(t *testing.T) {
	for name, tc := range map[string]struct {
		still, limit time.Duration // since, and until the end
	}{
		"since long":     {1100 * ms, 20 * ms},
		"since just now": {0, 510 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *network) {
				d := dialDevice(t, n, "echo")
				time.Sleep(2 * time.Second)
				d.unplug()
				time.Sleep(tc.still)
				at := n.clock()
				d.HangUp()
				if err := d.over(); err != nil {
					t.Error(err)
				}
				if took := n.clock() - at; took > tc.limit {
					t.Errorf("over after %v", took)
				}
			})
		})
	}
}

func TestWithoutSoundsNothingIsHeardOfACall(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		n.hole(true)
		d := dialDevice(t, n, "echo", func(c *call.Config) { c.Sounds = false })
		time.Sleep(900 * ms)
		n.hole(false)
		time.Sleep(time.Second)
		d.HangUp()
		if err := d.over(); err != nil {
			t.Error(err)
		}
		d.wantTone(t, "all of it", 0, d.ear.played(), 0)
		if d.ending.Load() != 0 || d.Report().Stats.Cues != nil {
			t.Error("there is an end to be heard, or cues are counted")
		}
	})
}

func TestRingbackBeginsWhenSoundsAreSwitchedOnWhileDialing(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		n.hole(true)
		d := dialDevice(t, n, "echo", func(c *call.Config) { c.Sounds = false })
		time.Sleep(2 * time.Second)
		d.SetSounds(true)
		time.Sleep(500 * ms)
		d.wantTone(t, "it rings", 2100*ms, 2400*ms, 425)
		d.HangUp()
		if err := d.over(); err != nil {
			t.Error(err)
		}
	})
}
