package check_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/replay"
)

const microphoneName = "Headset microphone"

// headset is a sound card of virtual time: a microphone before which somebody does
// as asked, an earpiece, and the way from one to the other. A test sets its faults
// before it is opened.
type headset struct {
	ask func() string // what the operator is asked now

	zeros, flat    bool
	gain           float64 // of the voice; 0: 1
	clipAt         float64 // of full scale; 0: 1
	noise          float64 // amplitude of the room, peak; 0: 8
	mute           bool    // nobody speaks
	chatty         bool    // somebody speaks all the time
	echo           float64 // of the ear in the microphone, dB; 0: none
	delay          time.Duration
	micPPM, earPPM float64
	refuse         error         // no microphone
	refuseEar      error         // no earpiece
	hang           bool          // opening takes until it is given up
	pauses         bool          // the microphone stops for a second
	dies           time.Duration // the microphone brings nothing any more, so long after its start

	paused atomic.Bool // the microphone has stopped, for now

	mu     sync.Mutex
	open   int
	opened int
	began  time.Time
	played []int16 // by the earpiece, since began
}

func (h *headset) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	if err := h.opening(ctx, h.refuse); err != nil {
		return nil, err
	}
	m := newMouth(h)
	return h.run(microphoneName, h.micPPM, func(pcm []int16, at time.Duration) {
		pause := h.pauses && at > 6*time.Second && at < 7*time.Second
		h.paused.Store(pause)
		if h.dies > 0 && at > h.dies || pause {
			return
		}
		m.fill(pcm, at)
		p.DeliverLive(pcm)
	}), nil
}

func (h *headset) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	if err := h.opening(ctx, h.refuseEar); err != nil {
		return nil, err
	}
	return h.run("Headset earpiece", h.earPPM, func(pcm []int16, _ time.Duration) {
		p.TakeLive(pcm)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.played = append(h.played, pcm...)
	}), nil
}

func (h *headset) opening(ctx context.Context, refuse error) error {
	if h.hang {
		<-ctx.Done()
		return errors.New("the sound system does not answer: restart the sound server")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	if h.began.IsZero() {
		h.began = time.Now()
	}
	h.open++
	h.opened++
	return nil
}

// count is how many devices are open now, and how many ever were.
func (h *headset) count() (now, ever int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open, h.opened
}

// heardAt is what the earpiece plays at a time since began.
func (h *headset) heardAt(at time.Duration) float64 {
	x := at.Seconds()*audio.Rate*(1+h.earPPM*1e-6) - audio.PeriodSamples // what is taken now plays from now on
	i := int(math.Floor(x))
	if i < 1 || i+2 >= len(h.played) {
		return 0
	}
	// Between two samples, by a cubic through four.
	f := x - float64(i)
	a, b, c, d := float64(h.played[i-1]), float64(h.played[i]), float64(h.played[i+1]), float64(h.played[i+2])
	return b + f*(c-a+f*(2*a-5*b+4*c-d+f*(3*(b-c)+d-a)))/2
}

// run begins a device whose clock is so much too fast. callback gets the time at
// which its first sample is heard, or played, since began.
func (h *headset) run(name string, ppm float64, callback func(pcm []int16, at time.Duration)) *stream {
	s := &stream{name: name, quit: make(chan struct{}), done: make(chan struct{}), headset: h}
	go func() {
		defer close(s.done)
		begin := h.began
		pcm := make([]int16, audio.PeriodSamples)
		for n := 1; ; n++ {
			due := time.Duration(float64(n) * float64(audio.Period) / (1 + ppm*1e-6))
			select {
			case <-s.quit:
				return
			case <-time.After(time.Until(begin.Add(due))):
			}
			callback(pcm, due-time.Duration(float64(audio.Period)/(1+ppm*1e-6)))
		}
	}()
	return s
}

// mouth is what the microphone hears.
type mouth struct {
	headset *headset
	voice   *replay.Voice
	rnd     *rand.Rand
	said    []int16
}

func newMouth(h *headset) *mouth {
	return &mouth{headset: h, voice: replay.NewVoice(3), rnd: rand.New(rand.NewPCG(4, 5)), said: make([]int16, audio.PeriodSamples)}
}

// fill is the next period, whose first sample is heard at a time.
func (m *mouth) fill(pcm []int16, at time.Duration) {
	h := m.headset
	speaks := h.chatty || h.ask()[:5] == "Speak" && !h.mute
	if speaks {
		m.voice.Fill(m.said)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range pcm {
		x := orElse(h.noise, 8) * (2*m.rnd.Float64() - 1)
		if speaks {
			x += float64(m.said[i]) * orElse(h.gain, 1)
		}
		if h.echo != 0 {
			t := at + time.Duration(float64(i)/audio.Rate/(1+h.micPPM*1e-6)*float64(time.Second))
			x += h.heardAt(t-h.delay) * math.Pow(10, h.echo/20)
		}
		top := orElse(h.clipAt, 1) * math.MaxInt16
		pcm[i] = int16(math.Round(max(-top, min(x, top))))
		switch {
		case h.zeros:
			pcm[i] = 0
		case h.flat:
			pcm[i] = 517
		}
	}
}

func orElse(v, other float64) float64 {
	if v == 0 {
		return other
	}
	return v
}

// stream is one open device of a headset.
type stream struct {
	name       string
	quit, done chan struct{}
	once       sync.Once
	headset    *headset
}

func (s *stream) Endpoint() audio.Endpoint {
	return audio.Endpoint{ID: s.name, Name: s.name, Backend: "test", Rate: audio.Rate, Channels: 1, Period: audio.Period, Periods: 3}
}

func (s *stream) Start() error                     { return nil }
func (s *stream) Changed() <-chan callstate.Notice { return nil }
func (s *stream) Switch(string)                    {}
func (s *stream) Lost() <-chan struct{}            { return nil }
func (s *stream) Err() error                       { return nil }

func (s *stream) Health() callstate.End {
	if s.name == microphoneName && s.headset.paused.Load() {
		return callstate.End{State: callstate.EndStalled}
	}
	return callstate.End{}
}

func (s *stream) Close() error {
	s.once.Do(func() {
		close(s.quit)
		<-s.done
		s.headset.mu.Lock()
		defer s.headset.mu.Unlock()
		s.headset.open--
	})
	return nil
}
