//go:build !race

package blackbox

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
)

func TestNothingIsAllocatedPerFrameThatIsKept(t *testing.T) {
	for _, c := range codecs() {
		step := keepFrame(c.Name())
		for range 5000 { // until the rings have gone round
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%s: %v allocations a frame", c.Name(), n)
		}
	}
}

// keepFrame is all that is kept for 20 ms of a call.
func keepFrame(name string) func() {
	bytes := 80
	if name == codec.PCM {
		bytes = 2 * frameSamples
	}
	clock := audio.NewClock()
	r := NewRecorder(Info{Codec: name}, clock)
	var tape call.Tape = r
	f := sendq.Frame{Data: make([]byte, bytes), Samples: frameSamples}
	p := jitter.Packet{Data: f.Data, Samples: frameSamples}
	var stats playout.Stats
	now := clock()
	return func() {
		now += 20 * audio.Period / 10
		f.Sequence++
		tape.Sent(&f, 1, now)
		tape.OneWay(now)
		tape.Pushed(p, now)
		tape.Came(call.Came{At: now, Sequence: f.Sequence})
		for range 4 {
			tape.Ahead(now)
			tape.Pulled(playout.Pulled{Kind: playout.Normal}, halfPeriod, now, &stats)
		}
	}
}

// BenchmarkKeepFrame is what keeping 20 ms of a call costs, both legs: a frame
// that leaves, a chunk that comes, four pulls.
func BenchmarkKeepFrame(b *testing.B) {
	for _, c := range codecs() {
		b.Run(c.Name(), func(b *testing.B) {
			step := keepFrame(c.Name())
			b.ReportAllocs()
			b.ReportMetric(float64(NewRecorder(Info{Codec: c.Name()}, audio.NewClock()).Bytes())/(1<<20), "MiB")
			for b.Loop() {
				step()
			}
		})
	}
}

// BenchmarkFreeze is what keeping the playout's state costs, every five seconds.
func BenchmarkFreeze(b *testing.B) {
	r := newRig(b, codecs()[0])
	r.talk(4 * time.Second)
	eager := &eager{Recorder: r.box}
	r.ear = playout.New(playout.Config{Decoder: r.dec, Tape: eager})
	r.talk(time.Second)
	eager.on = true
	pcm := make([]int16, halfPeriod)
	b.ReportAllocs()
	for b.Loop() {
		r.now += audio.Period / 2
		r.ear.Pull(pcm, r.now)
	}
	b.ReportMetric(float64(len(r.box.states[0].bytes)), "bytes")
}

// eager wants each state.
type eager struct {
	*Recorder
	on bool
}

func (e *eager) Pulled(p playout.Pulled, n int, now time.Duration, s *playout.Stats) bool {
	e.Recorder.Pulled(p, n, now, s)
	return e.on
}
