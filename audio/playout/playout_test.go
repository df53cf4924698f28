package playout_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
)

const (
	frame = 960
	ms    = time.Millisecond
)

func newPlayout() (*playout.Playout, *audiotest.Decoder) {
	dec := &audiotest.Decoder{}
	return playout.New(playout.Config{Decoder: dec}), dec
}

// clean returns arrivals on a quiet network: 30 ms, and 2 ms of jitter.
func clean(pcm []int16, frame int, seed uint64) []audiotest.Arrival {
	a := audiotest.Frames(pcm, frame)
	audiotest.Delay(a, audiotest.Gamma(30*ms, 2*ms, seed))
	return a
}

// speech returns n samples of speech that repeats every four seconds.
func speech(n int, seed uint64) []int16 {
	once := audiotest.Speech(4*audio.Rate, seed)
	pcm := make([]int16, 0, n+len(once))
	for len(pcm) < n {
		pcm = append(pcm, once...)
	}
	return pcm[:n]
}

func card(seed uint64) audiotest.Card {
	return audiotest.Card{Begin: 3 * ms, Late: 3 * ms, Seed: seed}
}

// conserved checks that every sample that came out and that was decoded is
// accounted for.
func conserved(t *testing.T, p *playout.Playout, dec *audiotest.Decoder, pulls int) {
	t.Helper()
	s := p.Stats()
	if got, want := s.TotalSamplesReceived+s.SilentSamples+s.FillingSamples, uint64(pulls*audio.PeriodSamples); got != want {
		t.Errorf("%d samples are accounted for of %d pulled", got, want)
	}
	if got, want := s.JitterBufferEmittedCount+s.ConcealedSamples, s.TotalSamplesReceived; got != want {
		t.Errorf("emitted + concealed = %d, received %d", got, want)
	}
	if s.DecodedSamples+s.PrimingSamples != uint64(dec.Decoded) {
		t.Errorf("decoded are %d samples and %d to prime, the decoder gave %d", s.DecodedSamples, s.PrimingSamples, dec.Decoded)
	}
	in := s.DecodedSamples + s.InsertedSamplesForDeceleration
	out := s.JitterBufferEmittedCount + s.RemovedSamplesForAcceleration + s.AbandonedSamples
	if waiting := int64(in - out); waiting < 0 || waiting > 3*240*audio.Rate/1000 {
		t.Errorf("in %d, out %d: %d samples cannot be waiting", in, out, waiting)
	}
}

// altered returns the pulls that are not, sample for sample, what was sent.
func altered(take audiotest.Take, pcm []int16) int {
	n := 0
	for i, tick := range take.Ticks {
		m := int(tick.Pulled.Media)
		got := take.PCM[i*audio.PeriodSamples : (i+1)*audio.PeriodSamples]
		if m < 0 || m+len(got) > len(pcm) || !slices.Equal(got, pcm[m:m+len(got)]) {
			n++
		}
	}
	return n
}

func TestACleanPathPlaysEverySampleUnaltered(t *testing.T) {
	for _, samples := range []int{480, 960} {
		t.Run(fmt.Sprintf("%d samples a frame", samples), func(t *testing.T) {
			pcm := speech(60*audio.Rate, 1)
			p, dec := newPlayout()
			take := card(1).Play(p, clean(pcm, samples, 1), 60*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			s := take.Last().Stats
			if s.PacketsLost+s.PacketsDiscarded+s.PacketsDropped+s.Resets+s.DecodeErrors != 0 {
				t.Errorf("counters of trouble on a clean path: %+v", s)
			}
			if s.ConcealedSamples > 480 {
				t.Errorf("%d samples concealed", s.ConcealedSamples)
			}
			rest := take.Between(time.Second, time.Minute)
			corrections := 0
			for i, tick := range rest.Ticks {
				if k := tick.Pulled.Kind; k == playout.Accelerated || k == playout.Slowed {
					corrections++
				}
				if d := tick.Stats.Delay - tick.Stats.Target; i > 1000 && (d > 25*ms || d < -15*ms) {
					t.Fatalf("at %v the delay is %v and the target %v", tick.At, tick.Stats.Delay, tick.Stats.Target)
				}
			}
			// A correction is at most a fade over a period in the pulls that hold it.
			if n := altered(rest, pcm); n > 5*corrections {
				t.Errorf("%d pulls altered by %d corrections", n, corrections)
			}
			if corrections > 20 {
				t.Errorf("%d corrections in a minute of clean path", corrections)
			}
			if d := s.Delay; d > 50*ms {
				t.Errorf("delay %v", d)
			}
			t.Logf("delay %v, target %v, %d corrections, %d concealed", s.Delay, s.Target, corrections, s.ConcealedSamples)
		})
	}
}

func TestPullsOf5MsPlayTheSame(t *testing.T) {
	pcm := speech(30*audio.Rate, 17)
	delay := map[int]time.Duration{}
	for _, samples := range []int{240, 480} {
		p, _ := newPlayout()
		c := card(17)
		c.Samples = samples
		take := c.Play(p, clean(pcm, 480, 17), 29*time.Second)
		s := take.Last().Stats
		if s.ConcealedSamples > 480 || s.PacketsDiscarded != 0 || s.SkippedSamples != 0 {
			t.Errorf("%d samples a pull: concealed %d, discarded %d, skipped %d", samples, s.ConcealedSamples, s.PacketsDiscarded, s.SkippedSamples)
		}
		if got, want := s.TotalSamplesReceived+s.FillingSamples, uint64(len(take.PCM)); got != want {
			t.Errorf("%d samples are accounted for of %d", got, want)
		}
		delay[samples] = s.JitterBufferDelay / time.Duration(s.Pulls)
	}
	if d := delay[240] - delay[480]; d > 8*ms || d < -8*ms {
		t.Errorf("mean delays %v", delay)
	}
}

func TestAToneReturnsFromAStallWithoutAClick(t *testing.T) {
	for _, hz := range []float64{97, 440, 1000} {
		pcm := audiotest.Sine(20*audio.Rate, hz, 12000)
		arrivals := clean(pcm, frame, 3)
		audiotest.Stall(arrivals, 8*time.Second, 700*ms)
		audiotest.Stall(arrivals, 14*time.Second, 90*ms)
		p, _ := newPlayout()
		take := card(3).Play(p, arrivals, 19*time.Second)
		if got, limit := audiotest.MaxStep(take.Between(time.Second, 19*time.Second).PCM), audiotest.MaxStep(pcm)*5/4+100; got > limit {
			t.Errorf("%v Hz: a step of %d, at most %d wanted", hz, got, limit)
		}
	}
}

func TestPacketsOfAnyLengthPlay(t *testing.T) {
	pcm := speech(10*audio.Rate, 5)
	for _, n := range []int{120, 240, 480, 882, 960, 1920, 2880, 5760, 11520} {
		t.Run(fmt.Sprintf("%d samples", n), func(t *testing.T) {
			p, dec := newPlayout()
			take := card(5).Play(p, clean(pcm, n, 5), 9*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			s := take.Last().Stats
			if s.ConcealedSamples > audio.Rate/50 || s.PacketsLost+s.PacketsDiscarded != 0 {
				t.Errorf("concealed %d, lost %d, discarded %d", s.ConcealedSamples, s.PacketsLost, s.PacketsDiscarded)
			}
			if s.JitterBufferEmittedCount < 8*audio.Rate {
				t.Errorf("only %d samples played", s.JitterBufferEmittedCount)
			}
		})
	}
}

func TestARatePoorDecoderDoesNotMisplaceAudio(t *testing.T) {
	pcm := speech(20*audio.Rate, 6)
	arrivals := clean(pcm, frame, 6)
	p := playout.New(playout.Config{Decoder: &wobbly{}})
	take := card(6).Play(p, arrivals, 19*time.Second)
	s := take.Last().Stats
	if s.DecodeErrors != 0 || s.ConcealedSamples > 480 || s.SkippedSamples != 0 {
		t.Errorf("errors %d, concealed %d, skipped %d", s.DecodeErrors, s.ConcealedSamples, s.SkippedSamples)
	}
}

// wobbly gives a few samples more and less than was said, as a resampler does.
type wobbly struct {
	audiotest.Decoder
	n int
}

func (w *wobbly) Decode(pcm []int16, packet []byte) (int, error) {
	n, err := w.Decoder.Decode(pcm, packet)
	w.n++
	return n + w.n%3 - 1, err
}

func TestAPauseThatWasAnnouncedIsNoConcealment(t *testing.T) {
	pcm := audiotest.Voice(13*audio.Rate, 150, 8000)
	for _, marks := range []bool{true, false} {
		t.Run(fmt.Sprintf("marks during the pause: %v", marks), func(t *testing.T) {
			var arrivals []audiotest.Arrival
			for i, a := range clean(pcm, frame, 7) {
				switch at := i % 150; {
				case at == 60:
					a.Packet.DTX = true
				case at > 60 && at%10 == 0 && marks:
					a.Packet.DTX, a.Packet.Data, a.Packet.Samples = true, nil, 0
				case at > 60:
					continue // sequence numbers go on: a slot is a slot
				}
				arrivals = append(arrivals, a)
			}
			p, dec := newPlayout()
			take := card(7).Play(p, arrivals, 12*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			s := take.Last().Stats
			if s.ConcealedSamples != 0 || s.PacketsLost != 0 || s.Resets != 0 || s.SkippedSamples != 0 || s.PacketsDropped != 0 {
				t.Errorf("concealed %d, lost %d, dropped %d, resets %d, skipped %d",
					s.ConcealedSamples, s.PacketsLost, s.PacketsDropped, s.Resets, s.SkippedSamples)
			}
			if share := float64(s.SilentSamples) / float64(len(take.Ticks)*480); share < 0.5 || share > 0.65 {
				t.Errorf("%.0f %% of the time was silent", 100*share)
			}
			if got, limit := audiotest.MaxStep(take.PCM), audiotest.MaxStep(pcm)*5/4; got > limit {
				t.Errorf("a step of %d at the edges of pauses, the source has %d", got, limit)
			}
			for _, tick := range take.Between(5*time.Second, 12*time.Second).Ticks {
				if tick.Pulled.Kind == playout.Comfort && tick.Pulled.Media >= 0 {
					t.Fatal("announced silence has no place on the capture clock")
				}
				if tick.Stats.Delay > 60*ms {
					t.Fatalf("delay %v", tick.Stats.Delay)
				}
			}
		})
	}
}

func TestFramesTheSenderDroppedAreBridgedOrSkipped(t *testing.T) {
	pcm := audiotest.Voice(15*audio.Rate, 140, 8000)
	for _, n := range []int{1, 2, 5, 25} {
		t.Run(fmt.Sprintf("%d in a row", n), func(t *testing.T) {
			arrivals := clean(pcm, frame, 8)
			for _, at := range []int{600, 450, 300, 150} {
				arrivals = audiotest.Drop(arrivals, at, at+n)
			}
			p, dec := newPlayout()
			take := card(8).Play(p, arrivals, 14*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			s := take.Last().Stats
			if s.PacketsDropped != uint64(4*n) || s.PacketsLost != 0 || s.Resets != 0 {
				t.Errorf("dropped %d, lost %d, resets %d", s.PacketsDropped, s.PacketsLost, s.Resets)
			}
			if limit := uint64(4 * (n + 1) * frame); s.ConcealedSamples > limit {
				t.Errorf("%d samples concealed for %d dropped", s.ConcealedSamples, 4*n*frame)
			}
			if s.SkippedSamples > 4*frame {
				t.Errorf("%d samples that were there were skipped", s.SkippedSamples)
			}
			if s.PrimingSamples == 0 {
				t.Error("the decoder was not told of the gaps")
			}
			if got, limit := audiotest.MaxStep(take.PCM), audiotest.MaxStep(pcm)*5/4; got > limit {
				t.Errorf("a step of %d, the source has %d", got, limit)
			}
			if d := s.Delay - s.Target; d > 30*ms || d < -30*ms {
				t.Errorf("delay %v, target %v", s.Delay, s.Target)
			}
		})
	}
}

func TestNothingIsPlayedBeforeTheFirstPacketIsDue(t *testing.T) {
	pcm := audiotest.Voice(audio.Rate, 200, 8000)
	p, _ := newPlayout()
	if !p.Drained() {
		t.Error("a new playout is not drained")
	}
	take := audiotest.Card{}.Play(p, clean(pcm, frame, 14), 80*ms)
	for _, tick := range take.Ticks {
		if tick.Pulled.Kind != playout.Filling || tick.Pulled.Media != -1 {
			t.Fatalf("%v: %+v", tick.At, tick.Pulled)
		}
	}
	if s := take.Last().Stats; s.TotalSamplesReceived != 0 || s.ConcealmentEvents != 0 {
		t.Errorf("filling counts as nothing: %+v", s)
	}
	if audiotest.Peak(take.PCM) != 0 {
		t.Error("filling is not silent")
	}
	if p.Drained() {
		t.Error("drained with packets in the buffer")
	}
}

func TestAnEmptyPlayoutIsDrainedAfterItPlayedAll(t *testing.T) {
	p, _ := newPlayout()
	audiotest.Card{}.Play(p, clean(audiotest.Voice(audio.Rate, 200, 8000), frame, 15), 2*time.Second)
	if !p.Drained() {
		t.Error("not drained")
	}
	if !p.Push(jitter.Packet{Sequence: 1000, Epoch: 2, Samples: frame, Data: make([]byte, 2*frame)}, 3*time.Second) {
		t.Error("a new epoch is taken")
	}
	if p.Push(jitter.Packet{Sequence: 1001, Epoch: 2, Samples: 1 << 20, Data: make([]byte, 2)}, 3*time.Second) {
		t.Error("a packet that is too long is taken")
	}
}

func TestItMayBeUsedFromManyGoroutines(t *testing.T) {
	p, dec := newPlayout()
	arrivals := clean(speech(4*audio.Rate, 16), frame, 16)
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, a := range arrivals {
			p.Push(a.Packet, a.At)
			p.SetOneWay(a.At % (100 * ms))
		}
	})
	wg.Go(func() {
		for range 1000 {
			if b := p.Buffered(); b > 3*time.Second || p.Stats().Pulls > 400 {
				t.Errorf("%v are held", b)
			}
			p.Drained()
		}
	})
	var out [audio.PeriodSamples]int16
	for i := range 400 {
		p.Pull(out[:], time.Duration(i)*audio.Period)
	}
	wg.Wait()
	conserved(t, p, dec, 400)
}
