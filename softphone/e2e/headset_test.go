//go:build !race

package e2e

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// The tones of the two who are in a room: what the phone's microphone hears,
// and what the other says to it.
const (
	phoneHertz = 440
	otherHertz = 1000
)

// headset is what a phone plays into and records from, as --capture and
// --playback name it.
type headset struct {
	capture, playback string
	periods           *sound.Periods
}

func (h headset) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	return sound.OpenCapture(ctx, h.capture, p, sound.Options{Periods: h.periods})
}

func (h headset) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	return sound.OpenPlayback(ctx, h.playback, p, sound.Options{Periods: h.periods})
}

// deskCall is a call of a real phone over a private sound server, to a room in
// which somebody else says a tone and listens.
type deskCall struct {
	t     *testing.T
	card  *pulse.Server
	phone *phone.Phone
	other *toneEar

	humming string // the module
	audio.Clock

	mu    sync.Mutex
	said  []string // to the operator
	ended func() call.Report
}

// newPhone returns a phone of the sound server's default devices, with its
// settings as change leaves them.
func newPhone(server string, change ...func(*phone.Config)) *phone.Phone {
	cfg := phone.Config{
		Servers: []string{server}, Destination: "room/desk", Codec: opus.Codec{}, DTX: true,
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 960},
		Sound:   headset{periods: sound.NewPeriods()}, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	return phone.New(cfg)
}

// dialDesk returns once both hear each other.
func dialDesk(t *testing.T, card *pulse.Server, change ...func(*phone.Config)) *deskCall {
	t.Helper()
	// As the softphone does for the sound threads.
	procs := runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	t.Cleanup(func() { runtime.GOMAXPROCS(procs) })
	s := servertest.Start(t, servertest.Options{})
	d := &deskCall{t: t, card: card, phone: newPhone(s.Addr, change...), Clock: audio.NewClock()}
	d.humming = d.hum()
	d.other = listenInRoom(t, d.Clock, s.Addr)

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var report call.Report
	var err error
	running.Go(func() { report, err = d.phone.Place(ctx, phone.Order{}) })
	listening, deaf := context.WithCancel(context.Background())
	var notices sync.WaitGroup
	notices.Go(func() { d.listen(listening) })
	d.ended = sync.OnceValue(func() call.Report {
		cancel()
		running.Wait()
		deaf()
		notices.Wait()
		if err != nil {
			t.Errorf("the call ended with: %v", err)
		}
		return report
	})
	t.Cleanup(func() { d.ended() })
	waitFor(t, "the call", func() bool { return d.phone.Snapshot().State == callstate.Live })
	// Whatever becomes of the headset, the default stays, and with it the hum,
	// which PulseAudio would move. The phone keeps to the default of before.
	card.Pactl("set-default-sink", pulse.Mouth)
	return d
}

// hum lets the microphone hear a tone for as long as the sound server runs, or
// until the module that it returns is unloaded.
func (d *deskCall) hum() (module string) {
	return d.card.LoadModule("module-sine", "sink="+pulse.Mouth, "rate=48000", "frequency="+strconv.Itoa(phoneHertz))
}

// listen keeps what the operator is told.
func (d *deskCall) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-d.phone.Notices():
			d.mu.Lock()
			d.said = append(d.said, n.Text)
			d.mu.Unlock()
		}
	}
}

// saying returns how many sentences begin and go on like that.
func (d *deskCall) saying(first, then string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.said {
		if strings.HasPrefix(s, first) && strings.Contains(s, then) {
			n++
		}
	}
	return n
}

// heardBothWays returns how long after since the other heard the phone's
// microphone, and the headset played the other's tone.
func (d *deskCall) heardBothWays(since time.Duration) (up, down time.Duration) {
	d.t.Helper()
	r := d.card.Record(pulse.HeadsetMonitor)
	defer func() {
		r.Stop()
		if up == 0 || down == 0 {
			s := d.phone.Snapshot()
			d.t.Logf("up %v, down %v, microphone %+v at %.0f dBFS, earpiece %+v at %.0f dBFS\n%s\n%s", up, down, s.MicrophoneEnd, s.Microphone.RMS,
				s.EarpieceEnd, s.Earpiece.RMS, d.card.Pactl("list", "short", "sink-inputs"), d.card.Pactl("list", "short", "source-outputs"))
		}
	}()
	waitFor(d.t, "the tones of both", func() bool {
		if at, ok := d.other.first(since); ok && up == 0 {
			up = max(at-since, time.Millisecond)
		}
		if down == 0 && plays(r) {
			down = max(d.Clock()-since, time.Millisecond)
		}
		return up > 0 && down > 0
	})
	return up, down
}

// plays reports that the end of a recording is the other's tone.
func plays(r *pulse.Recording) bool {
	const stretch = audio.Rate / 20
	n := r.Samples()
	return n >= stretch && toneLevel(r.Since(n - stretch)[:stretch], otherHertz) > -40
}

// toneEar is an earpiece that listens for the phone's tone.
type toneEar struct {
	clock audio.Clock
	call  *call.Call // whose it is

	mu    sync.Mutex
	last  []int16         // 50 ms
	heard []time.Duration // when they were the tone
}

// Write implements audio.Sink.
func (e *toneEar) Write(pcm []int16) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = append(e.last, pcm...)
	e.last = e.last[max(0, len(e.last)-audio.Rate/20):]
	if len(e.last) == audio.Rate/20 && toneLevel(e.last, phoneHertz) > -40 {
		e.heard = append(e.heard, e.clock())
	}
	return nil
}

// Close implements audio.Sink.
func (e *toneEar) Close() error { return nil }

// first returns when the tone was heard first after since, for 50 ms that began
// after it, too.
func (e *toneEar) first(since time.Duration) (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.heard, func(at time.Duration) bool { return at > since+50*time.Millisecond })
	if i < 0 {
		return 0, false
	}
	return e.heard[i], true
}

// listenInRoom joins the room as somebody who says a tone and listens for the
// phone's, until the end of the test.
func listenInRoom(t *testing.T, clock audio.Clock, server string) *toneEar {
	t.Helper()
	e := &toneEar{clock: clock}
	said, err := tone.New(otherHertz, -20)
	if err != nil {
		t.Fatal(err)
	}
	o := operate(t, clock, server, "room/desk", plain, nil, func(c *call.Config) {
		c.Capture, c.Playback = port.NewCapture(clock), port.NewPlayback(clock)
		ctx, cancel := context.WithCancel(context.Background())
		var pacers sync.WaitGroup
		pacers.Go(func() { _ = pace.RunCapture(ctx, said, c.Capture) })
		pacers.Go(func() { _ = pace.RunPlayback(ctx, e, c.Playback) })
		t.Cleanup(func() { cancel(); pacers.Wait() })
	})
	t.Cleanup(o.stop)
	e.call = o.call
	return e
}

// excess is how much more delay than they aim at both playouts have now. What
// they aim at is up to how busy the machine is.
func (d *deskCall) excess() (up, down time.Duration) {
	var s callstate.Snapshot
	d.other.call.Snapshot(&s)
	own := d.phone.Snapshot()
	return s.Delay.Buffer - s.Delay.Target, own.Delay.Buffer - own.Delay.Target
}

// resources are the goroutines and the open files of this process.
type resources struct{ goroutines, files int }

func countResources(t *testing.T) resources {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return resources{runtime.NumGoroutine(), len(files)}
}
