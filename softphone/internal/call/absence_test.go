package call_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// plug is a device of virtual time that can be pulled: a microphone that hears a
// tone, or an earpiece. Its clock goes on while it is away.
type plug struct {
	callback func(pcm []int16)

	mu  sync.Mutex
	out bool
}

func (p *plug) pull(out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = out
}

func (p *plug) run(ctx context.Context) {
	ticker := time.NewTicker(audio.Period)
	defer ticker.Stop()
	pcm := make([]int16, audio.PeriodSamples)
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(float64(n)/20))
			n++
		}
		p.mu.Lock()
		if !p.out {
			p.callback(pcm)
		}
		p.mu.Unlock()
	}
}

// plugIn gives a call a microphone and an earpiece that can be pulled.
func plugIn(t *testing.T, v *virtualCall) (mic, ear *plug) {
	t.Helper()
	mic = &plug{callback: v.capture.DeliverLive}
	ear = &plug{callback: v.playback.TakeLive}
	ctx, cancel := context.WithCancel(t.Context())
	end := v.cancel
	v.cancel = func() { end(); cancel() }
	v.running.Go(func() { mic.run(ctx) })
	v.running.Go(func() { ear.run(ctx) })
	return mic, ear
}

// TestAMicrophoneThatIsGoneIsSilenceThatWasAnnounced pulls the microphone of an
// echo call for ten seconds, so that the caller hears what a far end would.
func TestAMicrophoneThatIsGoneIsSilenceThatWasAnnounced(t *testing.T) {
	for name, mute := range map[string]bool{"open": false, "muted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { pullMicrophone(t, mute) })
		})
	}
}

func pullMicrophone(t *testing.T, mute bool) {
	const away = 10 * time.Second
	var heard listener
	v := dialVirtual(t, virtualOptions{destination: "echo", dead: true, deaf: true, mute: mute, change: func(c *call.Config) { c.OnPacket = heard.take }})
	defer v.end(t)
	mic, _ := plugIn(t, v)
	time.Sleep(5 * time.Second)
	before := v.Report()
	mic.pull(true)
	time.Sleep(away)
	during := v.Report()
	gone := heard.packets(away - time.Second)
	mic.pull(false)
	time.Sleep(5 * time.Second)
	after := v.Report()

	if marks := int((away - time.Second) / (200 * time.Millisecond)); len(gone) < marks-1 || len(gone) > marks+1 {
		t.Errorf("%d marks came in 9 s, want one each 200 ms", len(gone))
	}
	for _, p := range gone {
		if !p.DTX || len(p.Data) > 0 {
			t.Errorf("got %+v, want a mark", p)
		}
	}
	heard.check(t)
	b, d, a := before.Stats.Counters, during.Stats.Counters, after.Stats.Counters
	// What is made up is the time until the silence is announced, which is a
	// stall, and no more after that.
	if after.Lost != 0 || d.StallCount > b.StallCount+1 || a.StallCount != d.StallCount || a.InterruptionCount != b.InterruptionCount {
		t.Errorf("%d lost, %d stalls as it went, %d later, %d interruptions", after.Lost, d.StallCount-b.StallCount,
			a.StallCount-d.StallCount, a.InterruptionCount-b.InterruptionCount)
	}
	limit := uint64(audio.Rate * 150 / 1000)
	if mute {
		limit = 0
	}
	if n := a.ConcealedSamples - b.ConcealedSamples; n > limit || a.ConcealedSamples != d.ConcealedSamples {
		t.Errorf("%d samples were made up as it went, %d as it came, want %d at most", d.ConcealedSamples-b.ConcealedSamples,
			a.ConcealedSamples-d.ConcealedSamples, limit)
	}
	if sent := after.Sent - during.Sent; !mute && (sent < 240 || sent > 250) {
		t.Errorf("%d frames were sent in the 5 s after it was back", sent)
	}
	t.Logf("%d samples made up, %d samples unsaid or stale", a.ConcealedSamples-b.ConcealedSamples, after.Stats.CaptureOverruns)
}

// listener keeps what came, for the test's goroutine.
type listener struct {
	mu   sync.Mutex
	came []jitter.Packet
	at   []time.Duration
}

func (l *listener) take(p jitter.Packet, arrived, _ time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.Data = make([]byte, len(p.Data)) // only its length is looked at
	l.came, l.at = append(l.came, p), append(l.at, arrived)
}

// packets are those of the last d.
func (l *listener) packets(d time.Duration) []jitter.Packet {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.at[len(l.at)-1]
	for i, at := range l.at {
		if at > now-d {
			return l.came[i:]
		}
	}
	return nil
}

// check wants media time to go forwards only, and with the clock.
func (l *listener) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.at[0] - audio.Duration(int(l.came[0].Media))
	for i, p := range l.came {
		if i > 0 && p.Media <= l.came[i-1].Media {
			t.Errorf("packet %d is at %d after one at %d", i, p.Media, l.came[i-1].Media)
		}
		if off := l.at[i] - audio.Duration(int(p.Media)) - first; off < -30*time.Millisecond || off > 30*time.Millisecond {
			t.Errorf("packet %d, of %v, comes %v off its time", i, audio.Duration(int(p.Media)), off)
		}
	}
}

// TestAnEarpieceThatIsBackIsLiveAtOnce pulls the earpiece of an echo call for
// ten seconds and wants the delay that there was before as soon as it is back.
func TestAnEarpieceThatIsBackIsLiveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo", dead: true, deaf: true})
		defer v.end(t)
		_, ear := plugIn(t, v)
		time.Sleep(10 * time.Second)
		var before, s callstate.Snapshot
		v.Snapshot(&before)
		ear.pull(true)
		time.Sleep(10 * time.Second)
		v.Snapshot(&s)
		if s.Earpiece.RMS > -90 {
			t.Errorf("the meter of an earpiece that is gone shows %.1f dBFS", s.Earpiece.RMS)
		}
		ear.pull(false)
		var worst time.Duration
		for range 200 {
			time.Sleep(10 * time.Millisecond)
			v.Snapshot(&s)
			worst = max(worst, s.Delay.Loop, s.Delay.Buffer)
		}
		if limit := before.Delay.Loop + 20*time.Millisecond; worst > limit {
			t.Errorf("the delay goes up to %v, want %v as before", worst, limit)
		}
		if s.Traffic.Lost+s.Traffic.Dropped != 0 {
			t.Errorf("%+v", s.Traffic)
		}
		t.Logf("delay %v before, up to %v after; %v", before.Delay.Loop, worst, v.Report().Stats.Counters)
	})
}
