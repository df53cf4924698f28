//go:build !race

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/port"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/sound"
)

const (
	// lookahead is Opus's.
	lookahead = 6500 * time.Microsecond
	// onePull is what the ear takes at once.
	onePull = audio.Period / 2
	// allowed is how much a call may take above the sum of its parts.
	allowed = 10 * time.Millisecond
	// bearable bounds a call on a machine that holds it up.
	bearable = 400 * time.Millisecond
)

// floor is what the sound system takes by itself.
type floor struct {
	delay    time.Duration // from microphone to earpiece, with nothing between
	callback time.Duration // that the microphone brings at once
}

// account is one call's way from mouth to ear, measured and added up.
type account struct {
	floor
	frame  time.Duration
	delay  time.Duration // measured in the cable
	report call.Report
}

// sum is what the parts of the way add up to.
func (a *account) sum() time.Duration {
	return a.floor.delay + a.frame - a.callback + lookahead + a.target() + onePull
}

// target is the mean of the playout's target.
func (a *account) target() time.Duration {
	c := a.report.Stats.Counters
	return time.Duration(c.JitterBufferTargetDelay / float64(max(1, c.JitterBufferEmittedCount)) * float64(time.Second))
}

// disturbed reports that the machine held the sound up, so that the delay says
// little.
func (a *account) disturbed() bool {
	return a.report.Stats.DeviceUnderruns+a.report.Stats.CaptureOverruns > 0
}

func (a *account) String() string {
	const format = "%v frames: mouth to ear %.1f ms, sum %.1f (floor %.1f + frame %.0f - callback %.2f + look-ahead %.1f + target %.0f + pull %.0f); " +
		"the phone's own: est. %.1f, loop %.1f, buffer %.1f; %d underruns, %d samples overrun; load %s"
	load, _ := os.ReadFile("/proc/loadavg") // absent elsewhere
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf(format, a.frame, ms(a.delay), ms(a.sum()), ms(a.floor.delay), ms(a.frame), ms(a.callback),
		ms(lookahead), ms(a.target()), ms(onePull), *a.report.MouthToEarEstMS, *a.report.LoopMS.P50, *a.report.BufferMS.Mean,
		a.report.Stats.DeviceUnderruns, a.report.Stats.CaptureOverruns, strings.TrimSpace(string(load)))
}

func TestMouthToEarIsTheSumOfItsParts(t *testing.T) {
	card := pulse.Start(t)
	card.Setenv()
	cable := card.Cable()
	words := speech(t, 6)
	for _, frame := range []time.Duration{20 * time.Millisecond, 10 * time.Millisecond} {
		t.Run(frame.String(), func(t *testing.T) {
			eventually(t, func(t *testing.T) []string {
				t.Helper()
				base, wrong := measureFloor(t, cable, words)
				if wrong != nil {
					return wrong
				}
				a, wrong := measureCall(t, card, cable, frame, words, 3)
				a.floor = base
				t.Log(a)
				limit := a.sum() + allowed
				if a.disturbed() {
					limit = bearable
				}
				if a.delay > limit {
					wrong = append(wrong, fmt.Sprintf("%v from mouth to ear, want up to %v", a.delay, limit))
				}
				return wrong
			})
		})
	}
}

// BenchmarkMouthToEar makes calls of a minute with devices of their own choice
// and says what a sound took and what the parts add up to. Players and recorders
// come and go at the sound server meanwhile, which makes holes of its own.
func BenchmarkMouthToEar(b *testing.B) {
	frames := []time.Duration{20 * time.Millisecond, 10 * time.Millisecond}
	if testing.Short() { // the other takes another minute
		frames = frames[:1]
	}
	for _, frame := range frames {
		b.Run(frame.String(), func(b *testing.B) {
			card := pulse.Start(b)
			card.Setenv()
			cable := card.Cable()
			words := speech(b, 9)
			for range b.N {
				base, wrong := measureFloor(b, cable, words)
				a, more := measureCall(b, card, cable, frame, words, 6)
				a.floor = base
				for _, w := range slices.Concat(wrong, more) {
					b.Log(w)
				}
				b.Log(a)
				b.ReportMetric(a.delay.Seconds()*1000, "mouth-to-ear-ms")
				b.ReportMetric(a.sum().Seconds()*1000, "sum-ms")
				b.ReportMetric(a.floor.delay.Seconds()*1000, "floor-ms")
				b.ReportMetric(*a.report.MouthToEarEstMS, "est-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkAMinuteWithoutUnderruns makes calls of a minute that nobody disturbs
// and says how often the ear heard a hole: never on a quiet machine. The short ones
// are of ten seconds.
func BenchmarkAMinuteWithoutUnderruns(b *testing.B) {
	card := pulse.Start(b)
	s := startServer(b)
	underruns, overruns := uint64(0), uint64(0)
	length := time.Minute
	if testing.Short() {
		length = 10 * time.Second
	}
	for range b.N {
		r := runPhone(b, card.Env(), "call", "echo", "--server", s.address, "--json", "--duration", length.String(), "--dtx=false")
		if r.code != 0 {
			b.Fatalf("exit code %d: %s", r.code, r.stderr.String())
		}
		b.Log(strings.TrimSpace(r.stderr.String()))
		rep := r.report(b)
		underruns += rep.Stats.DeviceUnderruns
		overruns += rep.Stats.CaptureOverruns
		b.ReportMetric(*rep.LoopMS.P50, "loop-ms")
	}
	minutes := float64(b.N) * length.Minutes()
	b.ReportMetric(float64(underruns)/minutes, "underruns/min")
	b.ReportMetric(float64(overruns)/minutes, "overrun-samples/min")
	b.ReportMetric(0, "ns/op")
}

// measureFloor joins the cable's microphone and earpiece with nothing between
// but the ports, and speaks.
func measureFloor(tb testing.TB, cable *pulse.Cable, words []int16) (f floor, wrong []string) {
	tb.Helper()
	clock := audio.NewClock()
	mic, ear := port.NewCapture(clock), port.NewPlayback(clock)
	opt := sound.Options{Periods: sound.NewPeriods()}
	capture, err := sound.OpenCapture(tb.Context(), pulse.CableMic, mic, opt)
	if err != nil {
		tb.Fatal(err)
	}
	playback, err := sound.OpenPlayback(tb.Context(), pulse.CableEar, ear, opt)
	if err != nil {
		tb.Fatal(errors.Join(err, capture.Close()))
	}
	ctx, cancel := context.WithCancel(tb.Context())
	// As the softphone does for the sound threads.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 2))
	var copying sync.WaitGroup
	copying.Go(func() { copyAll(ctx, mic, ear) })
	delays, wrong := speak(tb, cable, words)
	cancel()
	copying.Wait()
	if err := errors.Join(capture.Close(), playback.Close()); err != nil {
		tb.Fatal(err)
	}
	in := mic.Stats()
	return floor{delay: median(delays), callback: audio.Duration(int(in.Samples / in.Callbacks))}, wrong
}

// copyAll moves what mic brings to ear until ctx ends, and drops what a hold-up
// would leave in the ear for ever.
func copyAll(ctx context.Context, mic *port.Capture, ear *port.Playback) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	piece := make([]int16, audio.PeriodSamples/8)
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
			if ear.Buffered() < ear.LowWater() {
				ear.Write(piece)
			}
		}
	}
}

// measureCall makes an echo call over the cable and speaks in it some times.
// The last time is judged: until then the playout has found its target.
func measureCall(tb testing.TB, card *pulse.Server, cable *pulse.Cable, frame time.Duration, words []int16, times int) (_ *account, wrong []string) {
	tb.Helper()
	s := startServer(tb)
	r := &phoneRun{}
	cmd := softphone(tb.Context(), tb, card.Env(), "call", "echo", "--server", s.address, "--json",
		"--capture", pulse.CableMic, "--playback", pulse.CableEar, "--frame", frame.String(),
		// What changes the wave makes it hard to find.
		"--high-pass", "off", "--denoise", "off", "--level-control", "off", "--ear-protection=false")
	cmd.Stdout, cmd.Stderr = &r.stdout, &r.stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	waitFor(tb, "the call to start", func() bool { return len(s.entries("call started")) == 1 })
	var delays []time.Duration
	for range times {
		delays, wrong = speak(tb, cable, words)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		tb.Fatalf("the softphone ended with %v: %s", err, r.stderr.String())
	}
	if notices := strings.TrimSpace(r.stderr.String()); notices != "" {
		tb.Log(notices)
	}
	return &account{frame: frame, delay: median(delays), report: r.report(tb)}, wrong
}

// speak speaks into the cable's microphone and finds each stretch of speech
// again in its earpiece. It says what is wrong if too little is found.
func speak(tb testing.TB, cable *pulse.Cable, words []int16) (delays []time.Duration, wrong []string) {
	tb.Helper()
	r := cable.Record()
	if err := cable.Say(tb.Context(), words); err != nil {
		tb.Fatal(err)
	}
	r.WaitSamples(r.Samples() + audio.Rate/2)
	said, heard := r.Stop()
	saidAt, c := pulse.Find(said, words)
	if c < 0.99 {
		return nil, []string{fmt.Sprintf("correlation %.3f where it was said, want 0.99", c)}
	}
	loud := 0
	words = lowPass(lowPass(words))
	for _, p := range pulse.Trace(lowPass(lowPass(heard)), words) {
		if level.RMS(words[p.From:p.From+pulse.PartSamples]) < -35 {
			continue
		}
		loud++
		if p.Correlation >= 0.9 {
			delays = append(delays, audio.Duration(p.At-p.From-saidAt))
		}
	}
	if len(delays) < loud*2/3 {
		wrong = append(wrong, fmt.Sprintf("only %d of %d parts were heard", len(delays), loud))
	}
	return delays, wrong
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
