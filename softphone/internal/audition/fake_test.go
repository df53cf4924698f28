package audition_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/softphone/internal/audition"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

// hardware is a sound system of virtual time.
type hardware struct {
	mu      sync.Mutex
	devices []sound.Info
	err     error                    // of listing
	frozen  chan struct{}            // a list waits until it is closed
	stuck   map[string]chan struct{} // and so does the opening of these ids
	refuses map[string]string        // ids, and why
	level   map[string]int16         // of microphones: an alternating sample
	played  map[string][]int16
	open    map[string]int // by id, now
	opened  map[string]int // by id, ever
	trials  []*trial
}

func newHardware(devices ...sound.Info) *hardware {
	return &hardware{
		devices: devices, refuses: map[string]string{}, level: map[string]int16{},
		played: map[string][]int16{}, open: map[string]int{}, opened: map[string]int{},
	}
}

func microphone(id string) sound.Info {
	return sound.Info{ID: id, Name: "Name of " + id, Direction: sound.Capture, Backend: "test"}
}

func earpiece(id string) sound.Info {
	return sound.Info{ID: id, Name: "Name of " + id, Direction: sound.Playback, Backend: "test"}
}

func (h *hardware) do(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// count is how often a device is open now.
func (h *hardware) count(id string) (n int) {
	h.do(func() { n = h.open[id] })
	return n
}

// all is how many devices are open now.
func (h *hardware) all() (sum int) {
	h.do(func() {
		for _, n := range h.open {
			sum += n
		}
	})
	return sum
}

// heard is what an earpiece has played.
func (h *hardware) heard(id string) (pcm []int16) {
	h.do(func() { pcm = slices.Clone(h.played[id]) })
	return pcm
}

func (h *hardware) List(ctx context.Context) (list []sound.Info, err error) {
	var frozen chan struct{}
	h.do(func() { frozen = h.frozen })
	if frozen != nil {
		select {
		case <-frozen:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	time.Sleep(30 * time.Millisecond)
	h.do(func() { list, err = slices.Clone(h.devices), h.err })
	if err != nil {
		return nil, err
	}
	return list, nil
}

// trial is an open device of a hardware.
type trial struct {
	hardware *hardware
	info     sound.Info
	opened   chan error
	lost     chan struct{}
	quit     chan struct{}
	once     sync.Once
	released chan struct{}
}

func (t *trial) Opened() <-chan error      { return t.opened }
func (t *trial) Lost() <-chan struct{}     { return t.lost }
func (t *trial) Released() <-chan struct{} { return t.released }
func (t *trial) Stop()                     { t.once.Do(func() { close(t.quit) }) }
func (t *trial) Endpoint() audio.Endpoint {
	return audio.Endpoint{ID: t.info.ID, Name: t.info.Name, Backend: "test", Rate: audio.Rate, Period: audio.Period}
}

func (h *hardware) TryCapture(d sound.Info, p *port.Capture) sound.Trial {
	return h.try(d, func(pcm []int16) {
		var level int16
		h.do(func() { level = h.level[d.ID] })
		for i := range pcm {
			pcm[i] = level
			level = -level
		}
		p.DeliverLive(pcm)
	})
}

func (h *hardware) TryPlayback(d sound.Info, p *port.Playback) sound.Trial {
	return h.try(d, func(pcm []int16) {
		p.TakeLive(pcm)
		h.do(func() { h.played[d.ID] = append(h.played[d.ID], pcm...) })
	})
}

func (h *hardware) try(d sound.Info, callback func(pcm []int16)) *trial {
	t := &trial{hardware: h, info: d, opened: make(chan error, 1), lost: make(chan struct{}), quit: make(chan struct{}), released: make(chan struct{})}
	h.do(func() { h.trials = append(h.trials, t) })
	go t.own(callback)
	return t
}

func (t *trial) own(callback func(pcm []int16)) {
	defer close(t.released)
	h := t.hardware
	var frozen chan struct{}
	h.do(func() { frozen = h.stuck[t.info.ID] })
	if frozen != nil {
		<-frozen
	}
	time.Sleep(20 * time.Millisecond)
	var refused string
	h.do(func() { refused = h.refuses[t.info.ID] })
	if refused != "" {
		t.opened <- errors.New(refused)
		return
	}
	h.do(func() { h.open[t.info.ID]++; h.opened[t.info.ID]++ })
	t.opened <- nil
	ticker := time.NewTicker(audio.Period)
	defer ticker.Stop()
	pcm := make([]int16, audio.PeriodSamples)
	for running := true; running; {
		select {
		case <-t.quit:
			running = false
		case <-ticker.C:
			callback(pcm)
		}
	}
	h.do(func() { h.open[t.info.ID]-- })
}

// line is a phone whose state the test sets, and the operator's choices.
type line struct {
	mu      sync.Mutex
	snap    callstate.Snapshot
	did     []string
	choices map[sound.Direction]sound.Choice
	taken   func(id string) // by the call; or nil
}

func (l *line) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.did = append(l.did, fmt.Sprintf(format, args...))
}

func (l *line) ChooseMicrophone(id string) { l.take("microphone", id) }
func (l *line) ChooseEarpiece(id string)   { l.take("earpiece", id) }

func (l *line) take(what, id string) {
	l.note("%s %s", what, id)
	if l.taken != nil {
		l.taken(id)
	}
}

func (l *line) Say(n callstate.Notice) { l.note("%s", n.Text) }

func (l *line) Snapshot() callstate.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snap
}

func (l *line) Choose(d sound.Info) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.choices[d.Direction] = sound.Choice{ID: d.ID, Name: d.Name}
}

func (l *line) Chosen(list []sound.Info, dir sound.Direction) (sound.Info, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sound.Choose(list, dir, []sound.Choice{l.choices[dir]})
}

// trying runs f with a bench that was begun, in virtual time, and wants every
// device back after it.
func trying(t *testing.T, h *hardware, f func(t *testing.T, b *audition.Bench, l *line)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &line{choices: map[sound.Direction]sound.Choice{}}
		b := audition.New(audition.Config{Phone: l, Choices: l, Hardware: h})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		b.Begin()
		if s := b.State(); !s.Listing {
			t.Errorf("begun: %+v", s)
		}
		time.Sleep(500 * time.Millisecond)
		f(t, b, l)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.do(func() {
			for id, n := range h.open {
				if n != 0 {
					t.Errorf("%d of %q are still open", n, id)
				}
			}
			if h.frozen != nil {
				return
			}
			for _, tr := range h.trials {
				select {
				case <-tr.released:
				default:
					t.Errorf("%q was not given back", tr.info.ID)
				}
			}
		})
	})
}

// mic and ear return what the screen shows of a device.
func mic(t *testing.T, b *audition.Bench, id string) callstate.BenchDevice {
	t.Helper()
	return device(t, b.State().Microphones, id)
}

func ear(t *testing.T, b *audition.Bench, id string) callstate.BenchDevice {
	t.Helper()
	return device(t, b.State().Earpieces, id)
}

func device(t *testing.T, list []callstate.BenchDevice, id string) callstate.BenchDevice {
	t.Helper()
	i := slices.IndexFunc(list, func(d callstate.BenchDevice) bool { return d.ID == id })
	if i < 0 {
		t.Fatalf("no %q in %+v", id, list)
	}
	return list[i]
}

// dBFS is the peak of a sample.
func dBFS(v int16) float64 { return 20 * math.Log10(math.Abs(float64(v))/32767) }

func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }
