//go:build !race

package e2e

import (
	"context"
	"crypto/rand"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/phone"
)

// A stamped voice says in each of its samples which one it is: a waveform of
// 150 Hz lies in the high byte, and the low bytes of four samples hold the number
// of their group, six bits each behind two that count the four. PCM carries that
// bit by bit through rooms and jitter buffers; only where time is stretched or
// sound made up it breaks. So the place in the recording of what plays just now
// is known exactly, whatever the machine was doing.
const (
	stampGroup  = 4
	voicePeriod = 320 // 150 Hz
)

// tooLate is how long a machine may stand still before what it measures says
// nothing of the programs.
const tooLate = 50 * time.Millisecond

// calmly measures until a measurement has nothing to complain of, three times at
// most. One that the machine spoiled does not count, but ten are enough.
func calmly(t *testing.T, measure func(t *testing.T) (wrong []string, calm bool)) {
	t.Helper()
	var wrong []string
	for counted, all := 0, 0; counted < attempts && all < 10; all++ {
		var calm bool
		if wrong, calm = measure(t); len(wrong) == 0 {
			return
		}
		if calm {
			counted++
		}
		t.Logf("measurement %d, the machine was calm: %v: %s", all+1, calm, strings.Join(wrong, "; "))
	}
	t.Errorf("no measurement was right, the last: %s", strings.Join(wrong, "; "))
}

// voiced is the waveform in the high byte.
func voiced(n uint64) int16 {
	phase := 2 * math.Pi * float64(n%voicePeriod) / voicePeriod
	return int16(4000*math.Sin(phase)+2000*math.Sin(3*phase)) &^ 0xff
}

// voice is an endless source of it.
type voice struct {
	stamped bool
	clock   audio.Clock

	mu   sync.Mutex
	next uint64
	ends []time.Duration // when each period was over
}

// Fill implements audio.Source.
func (v *voice) Fill(dst []int16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ends = append(v.ends, v.clock())
	for i := range dst {
		dst[i] = voiced(v.next)
		if v.stamped {
			group, k := v.next/stampGroup, v.next%stampGroup
			dst[i] |= int16(k<<6 | group>>(6*k)&0x3f)
		}
		v.next++
	}
}

// Close implements audio.Source.
func (v *voice) Close() error { return nil }

// saidAt is when that sample was said.
func (v *voice) saidAt(n uint64) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	period := min(n/audio.PeriodSamples, uint64(len(v.ends)-1)) // no stamp is newer, unless it is none
	return v.ends[period] - audio.Duration(int((period+1)*audio.PeriodSamples)) + audio.Duration(int(n))
}

// stampOf returns the newest stamp in pcm, the place there of the sample that it
// names, and whether there is one: two groups in a row must agree.
func stampOf(pcm []int16) (sample uint64, at int, ok bool) {
	group := func(i int) (g uint64, ok bool) {
		for k := range uint64(stampGroup) {
			b := uint64(uint8(pcm[i+int(k)]))
			if b>>6 != k {
				return 0, false
			}
			g |= b & 0x3f << (6 * k)
		}
		return g, true
	}
	for i := len(pcm) - 2*stampGroup; i >= 0; i-- {
		a, aok := group(i)
		if !aok {
			continue
		}
		if b, bok := group(i + stampGroup); bok && b == a+1 {
			return a * stampGroup, i, true
		}
	}
	return 0, 0, false
}

// ear is a sink that notes how old what it plays is.
type ear struct {
	clock audio.Clock

	mu     sync.Mutex
	of     *voice // whose voice it listens for
	events []heardPeriod
}

// heardPeriod is 10 ms that were played.
type heardPeriod struct {
	at    time.Duration
	delay time.Duration // from mouth to ear
	ok    bool          // false: made up, or altered
}

// Write implements audio.Sink.
func (e *ear) Write(pcm []int16) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := heardPeriod{at: e.clock()}
	if n, i, ok := stampOf(pcm); ok {
		h.ok = true
		h.delay = h.at + audio.Duration(i) - e.of.saidAt(n)
	}
	e.events = append(e.events, h)
	return nil
}

// Close implements audio.Sink.
func (e *ear) Close() error { return nil }

// listenTo says whose voice the ear listens for.
func (e *ear) listenTo(v *voice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of, e.events = v, nil
}

// between returns what was played from one time to another.
func (e *ear) between(from, to time.Duration) []heardPeriod {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []heardPeriod
	for _, h := range e.events {
		if h.at >= from && h.at < to {
			out = append(out, h)
		}
	}
	return out
}

// calm reports that the machine kept up with an ear from one time to another: no
// period was much later than the one before.
func (e *ear) calm(from, to time.Duration) bool {
	heard := e.between(from, to)
	for i := 1; i < len(heard); i++ {
		if heard[i].at-heard[i-1].at > tooLate {
			return false
		}
	}
	return len(heard) > 0
}

// delay is the median of what was heard between two times, and the share of
// periods in which something was.
func delay(heard []heardPeriod) (median time.Duration, share float64) {
	var delays []time.Duration
	for _, h := range heard {
		if h.ok {
			delays = append(delays, h.delay)
		}
	}
	if len(delays) == 0 {
		return 0, 0
	}
	slices.Sort(delays)
	return delays[len(delays)/2], float64(len(delays)) / float64(len(heard))
}

// operator is a softphone's call with a voice and an ear of the test's.
type operator struct {
	id   string
	call *call.Call
	said *voice
	ear  *ear
	stop func() // hangs up and waits
}

// stamps of an operator's voice.
const (
	stamped = true
	plain   = false
)

// operate places a call that listens for somebody's voice, nil for its own. It
// returns when the call was answered and ends with the test at the latest.
func operate(t *testing.T, clock audio.Clock, server, destination string, stamps bool, of *voice, change ...func(*call.Config)) *operator {
	t.Helper()
	o := &operator{id: rand.Text(), said: &voice{stamped: stamps, clock: clock}}
	if of == nil {
		of = o.said
	}
	o.ear = &ear{clock: clock, of: of}
	device := audio.Endpoint{Name: "test", Rate: audio.Rate, Channels: 1, Period: audio.Period}
	capture, playback := port.NewCapture(clock), port.NewPlayback(clock)
	answered := make(chan struct{})
	cfg := call.Config{
		Servers: []string{server}, Connect: phone.Connect, CallID: o.id, Destination: destination,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960},
		Clock: clock, Capture: capture, Playback: playback, Microphone: device, Earpiece: device,
		OnAnswer: func() { close(answered) },
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if o.call, err = call.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var pacers sync.WaitGroup
	done := make(chan struct{})
	var ended error
	go func() {
		ended = o.call.Run(context.Background())
		close(done)
	}()
	o.stop = sync.OnceFunc(func() {
		o.call.HangUp()
		<-done
		cancel()
		pacers.Wait()
	})
	t.Cleanup(o.stop)
	select {
	case <-answered:
	case <-done: // at the latest for want of an answer
		t.Fatalf("the call ended: %v", ended)
	}
	pacers.Go(func() { _ = pace.RunCapture(ctx, o.said, capture) })
	pacers.Go(func() { _ = pace.RunPlayback(ctx, o.ear, playback) })
	return o
}
