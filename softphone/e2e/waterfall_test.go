//go:build !race

package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio/clean"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// waterfall is a call whose stages are compared with what its sound took.
type waterfall struct {
	frame, oneWay, jitter time.Duration
	clean                 bool
	period                time.Duration // 0: adaptive
}

func (w waterfall) String() string {
	text := fmt.Sprintf("frames of %v, %v each way, jitter %v", w.frame, w.oneWay, w.jitter)
	if w.clean {
		text += ", cleaned up"
	}
	if w.period > 0 {
		text += fmt.Sprintf(", periods of %v", w.period)
	}
	return text
}

// fall is what a call showed while the last words were spoken.
type fall struct {
	waterfall
	measured  time.Duration // in the cable
	sum, loop time.Duration // on the screen, median
	rated     time.Duration // what the quality is rated by
	stages    []callstate.Stage
	underruns uint64
}

// bearable is how far the sum may be from what was measured.
func (f *fall) bearable() time.Duration {
	return max(15*time.Millisecond, f.measured/5)
}

func (f *fall) String() string {
	var b strings.Builder
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Fprintf(&b, "%v: measured %.1f ms, sum of the stages %.1f, loop %.1f, rated %.1f;", f.waterfall, ms(f.measured), ms(f.sum), ms(f.loop), ms(f.rated))
	for _, s := range f.stages {
		fmt.Fprintf(&b, " %s %.1f", s.Name, ms(s.Delay))
	}
	fmt.Fprintf(&b, "; %d underruns", f.underruns)
	return b.String()
}

// TestTheStagesAddUpToWhatASoundTakes makes echo calls over a cable and a network
// with delay.
func TestTheStagesAddUpToWhatASoundTakes(t *testing.T) {
	const ms = time.Millisecond
	for _, w := range []waterfall{
		{frame: 20 * ms},
		{frame: 10 * ms, clean: true, oneWay: 25 * ms, jitter: 20 * ms},
		{frame: 20 * ms, oneWay: 75 * ms, jitter: 10 * ms},
	} {
		t.Run(w.String(), func(t *testing.T) { compare(t, w) })
	}
}

// BenchmarkStages is the same for more calls, as a table.
func BenchmarkStages(b *testing.B) {
	const ms = time.Millisecond
	ways := []waterfall{
		{frame: 20 * ms},
		{frame: 10 * ms},
		{frame: 20 * ms, clean: true},
		{frame: 10 * ms, clean: true},
		{frame: 20 * ms, period: 10 * ms},
		{frame: 20 * ms, period: 20 * ms},
		{frame: 20 * ms, period: 40 * ms},
		{frame: 20 * ms, oneWay: 25 * ms},
		{frame: 10 * ms, oneWay: 75 * ms},
		{frame: 20 * ms, jitter: 20 * ms},
		{frame: 20 * ms, oneWay: 25 * ms, jitter: 40 * ms},
		{frame: 10 * ms, oneWay: 75 * ms, jitter: 60 * ms, clean: true},
	}
	if testing.Short() { // the others take minutes
		ways = ways[:1]
	}
	for _, w := range ways {
		b.Run(w.String(), func(b *testing.B) {
			for range b.N {
				card := pulse.Start(b)
				card.Setenv()
				f, wrong := w.call(b, card.Cable(), speech(b, 6), 4)
				b.Log(f, wrong)
				b.ReportMetric(f.measured.Seconds()*1000, "measured-ms")
				b.ReportMetric(f.sum.Seconds()*1000, "sum-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func compare(t *testing.T, w waterfall) {
	t.Helper()
	card := pulse.Start(t)
	card.Setenv()
	cable, words := card.Cable(), speech(t, 6)
	eventually(t, func(t *testing.T) []string {
		t.Helper()
		f, wrong := w.call(t, cable, words, 3)
		t.Log(f)
		if f.measured == 0 {
			return wrong
		}
		wrong = nil // a busy machine makes holes, and they take as long
		for what, sum := range map[string]time.Duration{"the stages add up to": f.sum, "the quality is rated by": f.rated} {
			if far := time.Duration(math.Abs(float64(sum - f.measured))); far > f.bearable() {
				wrong = append(wrong, fmt.Sprintf("%s %v, the sound took %v", what, sum, f.measured))
			}
		}
		return wrong
	})
}

// call makes the call and speaks in it some times. The last time counts.
func (w waterfall) call(tb testing.TB, cable *pulse.Cable, words []int16, times int) (f *fall, wrong []string) {
	tb.Helper()
	s := startServer(tb)
	line := delayLine(tb, s.address, w.oneWay, w.jitter)
	periods := sound.NewPeriods()
	if w.period > 0 {
		periods = sound.FixedPeriods(w.period)
	}
	p := phone.New(phone.Config{
		Servers: []string{line}, Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 9, FrameSamples: int(w.frame * 48 / time.Millisecond)},
		CleanUp: clean.Options{Denoise: w.clean}, Unprotected: true,
		Sound: cableEnds{periods}, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(tb.Context())
	var calling sync.WaitGroup
	calling.Go(func() {
		if _, err := p.Place(ctx, phone.Order{}); err != nil {
			tb.Errorf("the call ended with %v", err)
		}
	})
	defer calling.Wait()
	defer cancel()
	waitFor(tb, "the call to be live", func() bool { return p.Snapshot().State == callstate.Live })
	for range times - 1 {
		if _, wrong = speak(tb, cable, words); wrong != nil {
			tb.Log(wrong)
		}
	}
	var said sync.WaitGroup
	var delays []time.Duration
	f = &fall{waterfall: w}
	before := p.Snapshot().Health.Underruns
	said.Go(func() { delays, wrong = speak(tb, cable, words) })
	seen := watchDelay(p, &said)
	f.measured, f.stages = median(delays), seen.stages
	f.sum, f.loop, f.rated = median(seen.sum), median(seen.loop), median(seen.rated)
	f.underruns = p.Snapshot().Health.Underruns - before
	return f, wrong
}

// shown is what the screen shows of the delay over a time.
type shown struct {
	sum, loop, rated []time.Duration
	stages           []callstate.Stage // the newest
}

// watchDelay looks at the screen ten times a second until all was said.
func watchDelay(p *phone.Phone, said *sync.WaitGroup) (s shown) {
	done := make(chan struct{})
	go func() { said.Wait(); close(done) }()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return s
		case <-ticker.C:
		}
		snap := p.Snapshot()
		s.sum, s.loop = append(s.sum, snap.Delay.MouthToEarEst), append(s.loop, snap.Delay.Loop)
		s.rated, s.stages = append(s.rated, snap.Quality.Delay), snap.Delay.Stages
	}
}

// cableEnds are the two ends of the cable.
type cableEnds struct{ periods *sound.Periods }

func (e cableEnds) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	return sound.OpenCapture(ctx, pulse.CableMic, p, sound.Options{Periods: e.periods})
}

func (e cableEnds) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	return sound.OpenPlayback(ctx, pulse.CableEar, p, sound.Options{Periods: e.periods})
}

// delayLine relays TCP connections to a server, and holds back each piece in either
// direction for so long and a random time up to jitter, in order. It ends with the
// test.
func delayLine(tb testing.TB, server string, oneWay, jitter time.Duration) (address string) {
	tb.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var running sync.WaitGroup
	tb.Cleanup(func() { _ = lis.Close(); running.Wait() })
	running.Go(func() {
		for {
			near, err := lis.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			running.Go(func() { holdBack(near, far, oneWay, jitter) })
			running.Go(func() { holdBack(far, near, oneWay, jitter) })
		}
	})
	return lis.Addr().String()
}

// piece is what came, and when it may go on.
type piece struct {
	data []byte
	due  time.Time
}

// holdBack moves one direction and closes both ends at its end.
func holdBack(from io.ReadCloser, to io.WriteCloser, oneWay, jitter time.Duration) {
	pieces := make(chan piece, 10000)
	var writing sync.WaitGroup
	writing.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for p := range pieces {
			timer.Reset(time.Until(p.due))
			<-timer.C
			if _, err := to.Write(p.data); err != nil {
				break
			}
		}
		_ = from.Close()
		for range pieces { // the reader is about to end
		}
	})
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			late := oneWay
			if jitter > 0 {
				late += time.Duration(rand.Int64N(int64(jitter)))
			}
			pieces <- piece{slices.Clone(buf[:n]), time.Now().Add(late)}
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	writing.Wait()
	_ = to.Close()
}
