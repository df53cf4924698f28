package call_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
)

// TestAQuietOperatorLosesNothingOfWhatHeHears listens for a minute, on a clock
// that jumps from one event to the next: what comes must be acknowledged also
// without anything to say, or the server would hold its audio back and drop it.
func TestAQuietOperatorLosesNothingOfWhatHeHears(t *testing.T) {
	for name, microphone := range map[string]struct{ mute, dead bool }{
		"muted":                         {mute: true},
		"with a microphone that is off": {dead: true},
		"talking":                       {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { listenQuietly(t, microphone.mute, microphone.dead) })
		})
	}
}

func listenQuietly(t *testing.T, mute, dead bool) {
	const minute = time.Minute
	var ended endLog
	v := dialVirtual(t, virtualOptions{destination: "tone", mute: mute, dead: dead, log: &ended})
	time.Sleep(minute)
	r := v.Report()
	v.end(t)
	if frames := uint64(minute / (20 * time.Millisecond)); r.Received < frames-2 || r.Lost != 0 || r.Dropped != 0 {
		t.Errorf("%d frames of %d came, %d were lost and %d dropped", r.Received, frames, r.Lost, r.Dropped)
	}
	// A first period may be made up while the buffer finds its delay.
	if st := r.Stats; st.ConcealedSamples > audio.PeriodSamples || st.SkippedSamples != 0 || st.PacketsDiscarded != 0 {
		t.Errorf("%d samples were made up, %d skipped; %d packets discarded", st.ConcealedSamples, st.SkippedSamples, st.PacketsDiscarded)
	}
	if n := ended.number("dropped"); n != 0 {
		t.Errorf("the server dropped %d", n)
	}
}

// endLog keeps the numbers of the line that ends a call.
type endLog struct {
	mu      sync.Mutex
	numbers map[string]uint64
}

func (l *endLog) number(key string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.numbers[key]
}

func (l *endLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *endLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbers = make(map[string]uint64)
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindUint64 {
			l.numbers[a.Key] = a.Value.Uint64()
		}
		return true
	})
	return nil
}

func (l *endLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *endLog) WithGroup(string) slog.Handler      { return l }
