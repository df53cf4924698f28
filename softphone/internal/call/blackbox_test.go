package call_test

import (
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// boxedCall is a virtual call whose black box is kept.
type boxedCall struct {
	*virtualCall
	box *blackbox.Recorder
}

func dialRecorded(t *testing.T, c codec.Codec, change func(*call.Config)) *boxedCall {
	t.Helper()
	clock := audio.NewClock()
	box := blackbox.NewRecorder(blackbox.Info{CallID: "virtual", Destination: "echo", Codec: c.Name(), FrameMS: 20}, clock)
	net := newNetwork(t, clock, nil)
	net.serve(hostA)
	v := dialVirtual(t, virtualOptions{destination: "echo", net: net, change: func(cfg *call.Config) {
		cfg.Codec, cfg.Tape = c, box
		cfg.Options.Complexity, cfg.Options.Bitrate = 5, 32000
		if change != nil {
			change(cfg)
		}
	}})
	return &boxedCall{v, box}
}

// stall holds both directions back for d.
func (r *boxedCall) stall(d time.Duration) {
	r.net.hole(true)
	time.Sleep(d)
	r.net.hole(false)
}

// saved is the call's black box, written and read again.
func (r *boxedCall) saved(t *testing.T) *blackbox.Box {
	t.Helper()
	shelf := blackbox.Shelf{Folder: t.TempDir(), Version: "test", Settings: "codec = \"pcm\" # default\n"}
	report := r.Report()
	s, err := shelf.Save(r.box, blackbox.Extra{Screen: "the screen", Server: hostA, State: "live", Report: &report})
	if err != nil {
		t.Fatal(err)
	}
	b, err := blackbox.Open(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABlackBoxOfAStallingCallReplaysToTheSameCounters(t *testing.T) {
	for _, c := range []codec.Codec{pcm.Codec{}, opus.Codec{}} {
		t.Run(c.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := dialRecorded(t, c, nil)
				defer r.end(t)
				r.net.jitter.Store(int64(30 * time.Millisecond))
				time.Sleep(2 * time.Second)
				r.stall(600 * time.Millisecond)
				time.Sleep(2 * time.Second)
				r.stall(2500 * time.Millisecond) // long enough for another connection
				time.Sleep(2 * time.Second)
				r.Train(callstate.Training{Delay: 100 * time.Millisecond, Jitter: 20 * time.Millisecond, LossPct: 3})
				time.Sleep(time.Second)
				r.Woke(time.Second)
				time.Sleep(time.Second)
				b := r.saved(t)
				o, err := b.Replay(c, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !b.Manifest.Whole || !o.Whole || !o.Same() {
					t.Errorf("whole %v; %d of %d pulls differ, the first after %v\nrecorded %+v\nreplayed %+v",
						o.Whole, o.Differs, o.Pulls, o.First, o.Recorded, o.Replayed)
				}
				if s := o.Recorded; s.StallCount < 2 || s.ConcealedSamples == 0 || s.SkippedSamples == 0 || s.PacketsReceived < 200 {
					t.Errorf("the call suffered too little to tell: %+v", s)
				}
				t.Logf("%d pulls in %v; %d stalls, %d samples concealed, %d skipped", o.Pulls, o.Length,
					o.Recorded.StallCount, o.Recorded.ConcealedSamples, o.Recorded.SkippedSamples)
			})
		})
	}
}
