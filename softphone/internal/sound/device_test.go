package sound

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/callstate"
)

// adaptive returns options with periods of 10 and 20 ms.
func adaptive(backend device.Backend) Options {
	return Options{
		Periods:  &Periods{clock: audio.NewClock(), capture: newLadder(10*ms, 20*ms), playback: newLadder(10*ms, 20*ms)},
		backends: []device.Backend{backend},
	}
}

// still opens a stream and ends the goroutine that tends to it: the test does.
func still(t *testing.T, s Stream, err error) *deviceStream {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	d, ok := s.(*deviceStream)
	if !ok {
		t.Fatalf("opened a %T", s)
	}
	d.cancel()
	d.running.Wait()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// climb opens the device anew one step higher.
func climb(t *testing.T, d *deviceStream) {
	t.Helper()
	d.ladder.up(d.clock())
	move(t, d)
}

// move opens the device anew with the ladder's period, and returns once it is
// open, the old one given back.
func move(t *testing.T, d *deviceStream) {
	t.Helper()
	d.judged = d.clock() + time.Hour // the test decides
	d.reopen()
	for limit := time.Now().Add(time.Minute); d.next != nil || len(d.leaving) > 0 || d.current == nil; {
		if d.next != nil && !d.ready {
			select {
			case err := <-d.next.Opened():
				d.opened(err, d.clock())
			case <-time.After(look):
			}
		} else {
			<-time.After(look)
		}
		d.step(d.clock())
		if time.Now().After(limit) {
			t.Fatal("the device was not opened anew")
		}
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(overlap):
	}
}

func notice(t *testing.T, s Stream) callstate.Notice {
	t.Helper()
	select {
	case n := <-s.Changed():
		return n
	default:
		t.Fatal("nothing was said")
		return callstate.Notice{}
	}
}

func TestAMicrophoneOpenedAnewGoesOnInItsPositions(t *testing.T) {
	t.Parallel()
	p := port.NewCapture(audio.NewClock())
	stream, err := openCapture(t.Context(), "", p, adaptive(device.Null))
	d := still(t, stream, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var reading sync.WaitGroup
	frame, next := make([]int16, 960), uint64(0)
	reading.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.Ready():
			}
			for {
				pos, ok := p.Read(frame)
				if !ok {
					break
				}
				if pos < next {
					t.Errorf("a frame at %d after one that ended at %d", pos, next)
				}
				next = pos + 960
			}
		}
	})
	climb(t, d)
	callbacks := p.Stats().Callbacks
	for p.Stats().Callbacks < callbacks+10 {
		pause(ctx)
	}
	cancel()
	reading.Wait()
	if got := d.Endpoint().Period; got != 20*ms {
		t.Errorf("the period is %v, want 20 ms", got)
	}
	want := "This computer is late with audio: microphone period raised to 20 ms."
	if n := notice(t, stream); n.Text != want || n.Severity != callstate.Warning {
		t.Errorf("said %+v, want %q", n, want)
	}
	// 10 ms is what the null device can be off, and a busy machine more.
	if st := p.Stats(); audio.Duration(int(st.Samples)) > st.Last+100*ms {
		t.Errorf("%v were captured by %v", audio.Duration(int(st.Samples)), st.Last)
	}
}

func TestAPeriodThatIsLoweredIsSaid(t *testing.T) {
	t.Parallel()
	opt := adaptive(device.Null)
	opt.Periods.playback.at = 1
	stream, err := openPlayback(t.Context(), "", port.NewPlayback(audio.NewClock()), opt)
	d := still(t, stream, err)
	d.ladder.down(d.clock())
	move(t, d)
	if n := notice(t, d); !strings.Contains(n.Text, "earpiece period lowered to 10 ms") || n.Severity != callstate.Info {
		t.Errorf("said %+v", n)
	}
}

var errBusy = errors.New("busy")

func TestADeviceThatOpensOnlyOnceIsClosedFirst(t *testing.T) {
	t.Parallel()
	stream, err := openPlayback(t.Context(), "", port.NewPlayback(audio.NewClock()), adaptive(device.Null))
	d := still(t, stream, err)
	begin, first := d.begin, d.current
	d.begin = func(cfg device.Config) handle {
		select {
		case <-first.Released():
			return begin(cfg)
		default:
			return refused(errBusy)
		}
	}
	climb(t, d)
	if got := d.Endpoint().Period; got != 20*ms {
		t.Errorf("the period is %v, want 20 ms", got)
	}
}

func TestADeviceKeepsThePeriodThatOpens(t *testing.T) {
	t.Parallel()
	p := port.NewPlayback(audio.NewClock())
	stream, err := openPlayback(t.Context(), "", p, adaptive(device.Null))
	d := still(t, stream, err)
	begin := d.begin
	d.begin = func(cfg device.Config) handle {
		if cfg.Period > 10*ms {
			return refused(errBusy)
		}
		return begin(cfg)
	}
	climb(t, d)
	if got, step := d.Endpoint().Period, d.ladder.period(); got != 10*ms || step != 10*ms {
		t.Errorf("the period is %v, the next would be %v; want 10 ms", got, step)
	}
	callbacks := p.Stats().Callbacks
	for p.Stats().Callbacks < callbacks+3 {
		pause(t.Context()) // it must go on
	}
	select {
	case n := <-d.Changed():
		t.Errorf("said %+v of a period that stayed", n)
	default:
	}
}

func TestADeviceIsOpenedAnewByItself(t *testing.T) {
	t.Parallel()
	opt := adaptive(device.Null)
	p := port.NewPlayback(audio.NewClock())
	stream, err := openPlayback(t.Context(), "", p, opt)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody fills the port for long: once the margin is at its most, each look
	// finds new faults.
	limit := time.After(60 * time.Second)
	for raised := false; !raised; {
		select {
		case <-p.Wanted():
			p.Write(make([]int16, 1000))
			pause(t.Context())
		case n := <-stream.Changed():
			raised = strings.Contains(n.Text, "raised to 20 ms")
		case <-limit:
			t.Fatal("the period was not raised")
		}
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

// TestSpeechSurvivesADeviceThatIsOpenedAnew speaks while both ends of a line
// change to longer periods.
func TestSpeechSurvivesADeviceThatIsOpenedAnew(t *testing.T) {
	s := pulse.Start(t)
	s.Setenv()
	cable := s.Cable()
	words := noise(4 * audio.Rate)
	for range 5 { // a busy machine makes holes that are nobody's fault
		clock := audio.NewClock()
		mic, ear := port.NewCapture(clock), port.NewPlayback(clock)
		opt := adaptive(device.PulseAudio)
		a, err := openCapture(t.Context(), pulse.CableMic, mic, opt)
		in := still(t, a, err)
		b, err := openPlayback(t.Context(), pulse.CableEar, ear, opt)
		out := still(t, b, err)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { join(ctx, mic, ear) })
		r := cable.Record()
		running.Go(func() {
			pause(ctx)
			climb(t, in)
			climb(t, out)
		})
		if err := cable.Say(t.Context(), words); err != nil {
			t.Fatal(err)
		}
		r.WaitSamples(r.Samples() + audio.Rate/2)
		said, heard := r.Stop()
		cancel()
		running.Wait()
		parts := pulse.Trace(heard, words)
		whole := slices.DeleteFunc(slices.Clone(parts), func(p pulse.Part) bool { return p.Correlation < 0.9 })
		at, _ := pulse.Find(said, words)
		t.Logf("%d of %d parts whole; delay %v before and %v after; %+v %+v", len(whole), len(parts),
			audio.Duration(parts[0].At-parts[0].From-at), audio.Duration(parts[len(parts)-1].At-parts[len(parts)-1].From-at),
			mic.Stats(), ear.Stats())
		// Each change may spoil the part in which it happens and its neighbour.
		if len(whole) >= len(parts)-4 {
			return
		}
	}
	t.Error("the speech was not heard")
}

// join moves what mic brings to ear until ctx ends.
func join(ctx context.Context, mic *port.Capture, ear *port.Playback) {
	piece := make([]int16, 60)
	for {
		select {
		case <-ctx.Done():
			return
		case <-mic.Ready():
		}
		for {
			if _, ok := mic.Read(piece); !ok {
				break
			}
			if ear.Buffered() < 2*audio.PeriodSamples {
				ear.Write(piece)
			}
		}
	}
}

// noise is like speech in that no part is like another.
func noise(samples int) []int16 {
	pcm := make([]int16, samples)
	state, smooth := uint32(1), 0.0
	for i := range pcm {
		state = state*1664525 + 1013904223
		smooth += (float64(int32(state))/(1<<31) - smooth) / 4
		pcm[i] = int16(20000 * smooth)
	}
	return pcm
}
