package call_test

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// desk is a whole phone in virtual time, with a microphone, an earpiece and a
// processor that can fail.
type desk struct {
	*phone.Phone
	net  *network
	slow slowness

	zeros  atomic.Bool // the headset's own switch
	talks  atomic.Bool // rather than hum a tone
	bursts atomic.Bool // the earpiece asks for 60 ms in a row
	ppm    float64     // how much slower than it should the sound cards are

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// newDesk runs a phone on the servers of a network.
func newDesk(t *testing.T, n *network, change ...func(*phone.Config)) *desk {
	t.Helper()
	d := &desk{net: n}
	cfg := phone.Config{
		Servers: []string{hostA}, Destination: "echo",
		Codec: slowCodec{pcm.Codec{}, &d.slow}, Options: codec.Options{FrameSamples: 960}, DTX: true,
		Sound: d, Connect: phone.ConnectVia(n.dial), Log: slog.New(slog.DiscardHandler),
		Asleep: func() (time.Duration, error) { return 0, nil },
	}
	for _, f := range change {
		f(&cfg)
	}
	d.Phone = phone.New(cfg)
	var ctx context.Context
	ctx, d.cancel = context.WithCancel(t.Context())
	d.running.Go(func() { _ = d.Run(ctx) })
	return d
}

// call dials and waits until the call is settled.
func (d *desk) call(t *testing.T, destination string) {
	t.Helper()
	d.Dial(destination)
	after(t, 2*time.Second, func() bool { return d.Snapshot().State == callstate.Live })
	time.Sleep(10 * time.Second)
}

// leave hangs up.
func (d *desk) leave() {
	d.cancel()
	d.running.Wait()
}

// end hangs up and stops the servers.
func (d *desk) end() {
	d.leave()
	d.net.close()
}

func (d *desk) OpenCapture(_ context.Context, p *port.Capture) (phone.Stream, error) {
	said := audiotest.Speech(20*audio.Rate, 7)
	for at := 3 * audio.Rate / 2; at < len(said); at += 4 * audio.Rate { // pauses
		clear(said[at:min(at+2*audio.Rate, len(said))])
	}
	noise := rand.New(rand.NewPCG(1, 2))
	n := 0
	buf := make([]int16, audio.PeriodSamples)
	return d.stream(func() {
		for i := range buf {
			buf[i] = int16(3000*math.Sin(float64(n)/20)) + int16(noise.IntN(9)) - 4
			if d.talks.Load() {
				buf[i] = said[n%len(said)]/2 + int16(noise.IntN(9)) - 4
			}
			n++
		}
		if d.zeros.Load() {
			clear(buf)
		}
		p.Deliver(buf)
	}), nil
}

func (d *desk) OpenPlayback(_ context.Context, p *port.Playback) (phone.Stream, error) {
	buf := make([]int16, audio.PeriodSamples)
	waiting := 0
	return d.stream(func() {
		if waiting++; d.bursts.Load() && waiting < 6 {
			return
		}
		for ; waiting > 0; waiting-- {
			p.Take(buf)
		}
	}), nil
}

// stream is a device that does something every 10 ms of its own clock.
func (d *desk) stream(callback func()) phone.Stream {
	return &cardStream{
		period: time.Duration(float64(audio.Period) * (1 + d.ppm*1e-6)), callback: callback,
		lost: make(chan struct{}), changed: make(chan callstate.Notice),
	}
}

// cardStream is an open device, the only one there is.
type cardStream struct {
	period   time.Duration
	callback func()
	lost     chan struct{}
	changed  chan callstate.Notice
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func (s *cardStream) Endpoint() audio.Endpoint {
	return audio.Endpoint{Name: "card", Backend: "test", Rate: audio.Rate, Channels: 1, Period: audio.Period}
}

func (s *cardStream) Switch(string) {}

func (s *cardStream) Start() error {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(func() {
		ticker := time.NewTicker(s.period)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			s.callback()
		}
	})
	return nil
}

func (s *cardStream) Health() callstate.End            { return callstate.End{} }
func (s *cardStream) Changed() <-chan callstate.Notice { return s.changed }
func (s *cardStream) Lost() <-chan struct{}            { return s.lost }
func (s *cardStream) Err() error                       { return nil }

func (s *cardStream) Close() error {
	if s.cancel != nil {
		s.cancel()
		s.running.Wait()
	}
	return nil
}

// slowness is a processor that takes long to encode a frame.
type slowness struct{ on atomic.Bool }

func (s *slowness) set(on bool) { s.on.Store(on) }

// slowCodec is a codec on a slow processor.
type slowCodec struct {
	codec.Codec
	slow *slowness
}

func (c slowCodec) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	e, err := c.Codec.NewEncoder(f, o)
	return slowEncoder{e, c.slow}, err
}

type slowEncoder struct {
	codec.Encoder
	slow *slowness
}

func (e slowEncoder) Encode(dst []byte, pcm []int16) (int, error) {
	if e.slow.on.Load() {
		time.Sleep(80 * time.Millisecond)
	}
	return e.Encoder.Encode(dst, pcm)
}
