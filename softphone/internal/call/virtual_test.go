package call_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// Addresses of servers on a test's network.
const (
	hostA = "10.0.0.1:50051"
	hostB = "10.0.0.2:50051"
)

// virtualCall is a call through a real server inside a synctest bubble, whose
// clock jumps from one event to the next. The microphone hears a tone unless it
// is dead.
type virtualCall struct {
	*call.Call
	capture  *port.Capture
	playback *port.Playback

	net     *network
	cancel  context.CancelFunc
	running sync.WaitGroup
	done    chan struct{}
	err     error // once done
	heard   heard

	mu      sync.Mutex
	notices []callstate.Notice
}

// virtualOptions say what is unusual about one.
type virtualOptions struct {
	destination string
	mute, dead  bool
	deaf        bool // nothing takes what is to be played
	complete    bool
	log         slog.Handler // of the server; nil: none
	net         *network     // nil: one with a server at hostA
	servers     []string     // nil: hostA
	id          string
	name        string
	dtx         bool
	change      func(*call.Config) // nil: as it is
}

// dialVirtual returns once the call is answered.
func dialVirtual(t *testing.T, o virtualOptions) *virtualCall {
	t.Helper()
	if o.net == nil {
		o.net = newNetwork(t, audio.NewClock(), o.log)
		o.net.serve(hostA)
	}
	if o.servers == nil {
		o.servers = []string{hostA}
	}
	if o.id == "" {
		o.id = "virtual"
	}
	clock := o.net.clock
	v := &virtualCall{net: o.net, done: make(chan struct{})}
	capture, playback := port.NewCapture(clock), port.NewPlayback(clock)
	v.capture, v.playback = capture, playback
	answered := make(chan struct{})
	device := audio.Endpoint{Period: audio.Period}
	cfg := call.Config{
		Servers: o.servers, Connect: phone.ConnectVia(o.net.dial), CallID: o.id, Destination: o.destination,
		DisplayName: o.name, DTX: o.dtx,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960}, Complete: o.complete,
		Clock: clock, Capture: capture, Playback: playback, Microphone: device, Earpiece: device,
		OnAnswer: func() { close(answered) },
		OnNotice: v.note,
	}
	if o.change != nil {
		o.change(&cfg)
	}
	var err error
	v.Call, err = call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.SetMuted(o.mute)
	v.running.Go(func() {
		v.err = v.Run(context.Background())
		close(v.done)
	})
	select {
	case <-answered:
	case <-v.done:
		return v
	}
	var ctx context.Context
	ctx, v.cancel = context.WithCancel(t.Context())
	if !o.deaf {
		v.running.Go(func() { _ = pace.RunPlayback(ctx, &v.heard, playback) })
	}
	if !o.dead {
		source, err := tone.New(300, -20)
		if err != nil {
			t.Fatal(err)
		}
		v.running.Go(func() { _ = pace.RunCapture(ctx, source, capture) })
	}
	return v
}

// end hangs up and stops the servers.
func (v *virtualCall) end(t *testing.T) {
	t.Helper()
	v.leave(t)
	v.net.close()
}

// leave hangs up and wants the call to have lasted until then.
func (v *virtualCall) leave(t *testing.T) {
	t.Helper()
	v.HangUp()
	if err := v.over(); err != nil {
		t.Errorf("the call ended with %v", err)
	}
}

// over waits for the end of the call and returns its error.
func (v *virtualCall) over() error {
	<-v.done
	if v.cancel != nil {
		v.cancel()
	}
	v.running.Wait()
	return v.err
}

func (v *virtualCall) note(n callstate.Notice) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notices = append(v.notices, n)
}

// said are the notices so far, one in a line.
func (v *virtualCall) said() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	for _, n := range v.notices {
		b.WriteString(n.Text + "\n")
	}
	return b.String()
}

func (v *virtualCall) snapshot() callstate.Snapshot {
	var s callstate.Snapshot
	v.Snapshot(&s)
	return s
}

// heard is an earpiece that knows how long it has been silent.
type heard struct {
	mu              sync.Mutex
	samples, silent int // since the last sound
	longest         int // silence between sounds
	sounds          int
}

func (h *heard) Write(pcm []int16) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range pcm {
		h.samples++
		if x > 300 || x < -300 {
			if h.sounds++; h.sounds > 1 {
				h.longest = max(h.longest, h.silent)
			}
			h.silent = 0
			continue
		}
		h.silent++
	}
	return nil
}

func (h *heard) Close() error { return nil }

// longestSilence is the longest between two sounds so far, samples.
func (h *heard) longestSilence() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.longest
}

// sounding reports that sound is heard now.
func (h *heard) sounding() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.samples > 0 && h.silent < 2*audio.PeriodSamples
}
