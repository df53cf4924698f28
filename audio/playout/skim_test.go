package playout_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/codec"
	"callcenter/codec/opus"
)

// twins are a playout that is heard all the time and one that is heard now and
// then, of the same packets.
type twins struct {
	heard, skimmed *playout.Playout
	arrivals       []audiotest.Arrival
	next           int
	now            time.Duration
	a, b           [audio.PeriodSamples]int16
}

func newTwins(t *testing.T, arrivals []audiotest.Arrival, dec func() codec.Decoder) *twins {
	t.Helper()
	return &twins{
		heard:    playout.New(playout.Config{Decoder: dec()}),
		skimmed:  playout.New(playout.Config{Decoder: dec()}),
		arrivals: arrivals,
	}
}

// pull lets 10 ms pass and reports the kinds.
func (w *twins) pull() (a, b playout.Pulled) {
	for w.next < len(w.arrivals) && w.arrivals[w.next].At <= w.now {
		w.heard.Push(w.arrivals[w.next].Packet, w.now)
		w.skimmed.Push(w.arrivals[w.next].Packet, w.now)
		w.next++
	}
	a, b = w.heard.Pull(w.a[:], w.now), w.skimmed.Pull(w.b[:], w.now)
	w.now += audio.Period
	return a, b
}

func exact() codec.Decoder { return &audiotest.Decoder{} }

func TestWhatNobodyHearsIsNotDecodedAndGoesOnInTime(t *testing.T) {
	w := newTwins(t, clean(speech(20*audio.Rate, 1), frame, 1), exact)
	w.skimmed.SetHeard(false)
	for range 1500 {
		_, b := w.pull()
		if peak := audiotest.Peak(w.b[:]); peak != 0 {
			t.Fatalf("at %v a peak of %d is heard by nobody", w.now, peak)
		}
		if b.Kind == playout.Concealed && w.now > time.Second {
			t.Fatalf("at %v it is concealed", w.now)
		}
	}
	a, b := w.heard.Stats(), w.skimmed.Stats()
	if d := a.Delay - b.Delay; d > 20*ms || d < -20*ms {
		t.Errorf("the delay is %v unheard, %v heard", b.Delay, a.Delay)
	}
	if a.Target != b.Target || a.PacketsReceived != b.PacketsReceived || b.UnheardSamples != b.DecodedSamples || a.UnheardSamples != 0 {
		t.Errorf("heard %+v\nunheard %+v", a, b)
	}
	dec := &audiotest.Decoder{}
	p := playout.New(playout.Config{Decoder: dec})
	p.SetHeard(false)
	take := card(1).Play(p, clean(speech(20*audio.Rate, 1), frame, 1), 20*time.Second)
	dec.Decoded += int(p.Stats().UnheardSamples)
	conserved(t, p, dec, len(take.Ticks))
}

func TestWhatIsHeardAgainIsWhatWasSaid(t *testing.T) {
	w := newTwins(t, audiotest.Frames(speech(20*audio.Rate, 1), frame), exact)
	for range 300 { // both alike
		w.pull()
	}
	for range 20 {
		w.skimmed.SetHeard(false)
		for range 37 {
			w.pull()
		}
		w.skimmed.SetHeard(true)
		same := 0
		for range 10 {
			a, b := w.pull()
			if a.Media != b.Media {
				continue // a pause was shortened in one of them
			}
			same++
			if w.a != w.b {
				t.Fatalf("at %v it is not what was said", w.now)
			}
		}
		if same == 0 {
			t.Logf("at %v the positions differ", w.now)
		}
	}
}

func TestADecoderThatSleptFindsItsWay(t *testing.T) {
	format := codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}
	enc, err := opus.Codec{}.NewEncoder(format, codec.Options{Complexity: 5, FrameSamples: frame})
	if err != nil {
		t.Fatal(err)
	}
	pcm := audiotest.Voice(10*audio.Rate, 131, 9000)
	arrivals := audiotest.Frames(pcm, frame)
	for i := range arrivals {
		buf := make([]byte, codec.MaxPacket)
		n, err := enc.Encode(buf, pcm[i*frame:(i+1)*frame])
		if err != nil {
			t.Fatal(err)
		}
		arrivals[i].Packet.Data = buf[:n]
	}
	w := newTwins(t, arrivals, func() codec.Decoder {
		dec, err := opus.Codec{}.NewDecoder(format)
		if err != nil {
			t.Fatal(err)
		}
		return dec
	})
	w.skimmed.SetHeard(false)
	for range 400 {
		w.pull()
	}
	w.skimmed.SetHeard(true)
	said := make([]int16, len(pcm)) // by media time, where it is known
	known := make([]bool, len(pcm))
	var a, b []int16
	var places []int64 // of b's samples
	for range 50 {
		pa, pb := w.pull()
		a, b = append(a, w.a[:]...), append(b, w.b[:]...)
		for k, s := range w.a {
			if pa.Kind == playout.Normal {
				said[int(pa.Media)+k], known[int(pa.Media)+k] = s, true
			}
			places = append(places, -1)
			if pb.Kind == playout.Normal {
				places[len(places)-1] = pb.Media + int64(k)
			}
		}
	}
	var signal, noise float64
	for i, at := range places {
		if at >= 0 && known[at] {
			want := float64(said[at])
			signal += want * want
			noise += (float64(b[i]) - want) * (float64(b[i]) - want)
		}
	}
	t.Logf("step %d heard, %d after sleep; noise %.4f of the power", audiotest.MaxStep(a), audiotest.MaxStep(b), noise/signal)
	if audiotest.MaxStep(b) > audiotest.MaxStep(a)*5/4+100 || signal == 0 || noise > signal/100 {
		t.Errorf("a step of %d, want about %d; noise %.3f of the power", audiotest.MaxStep(b), audiotest.MaxStep(a), noise/signal)
	}
}

// FuzzSkim is heard and unheard at any time in a script of packets: what is held
// stays bounded and nothing is lost count of.
func FuzzSkim(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 7, 4, 255, 0, 0, 0, 7, 2, 0, 0, 7, 2, 255, 1, 0, 0, 7, 2})
	f.Add([]byte{255, 0, 0, 0, 7, 4, 1, 3, 7, 2, 4, 63, 0, 0, 7, 2, 255, 1, 5, 1, 0, 0, 7, 9, 9, 1, 7, 9, 255, 0, 0, 0, 7, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 2000)]
		p, _ := newPlayout()
		run := scriptRun{p: jitter.Packet{Sequence: 1, Epoch: 1, Samples: frame}}
		var out [audio.PeriodSamples]int16
		pulls := 0
		for ; len(script) >= 2; script = script[2:] {
			if script[0] == 255 {
				p.SetHeard(script[1]%2 == 1)
				continue
			}
			if pkt, ok := run.step(script[0], script[1]); ok {
				p.Push(pkt, run.now)
				continue
			}
			for range script[1] {
				run.now += audio.Period
				p.Pull(out[:], run.now)
				pulls++
				if b := p.Buffered(); b < 0 || b > 3*time.Second {
					t.Fatalf("%v are held", b)
				}
			}
		}
		s := p.Stats()
		if got := s.TotalSamplesReceived + s.SilentSamples + s.FillingSamples; got != uint64(pulls*audio.PeriodSamples) {
			t.Errorf("%d samples are accounted for of %d", got, pulls*audio.PeriodSamples)
		}
		if s.TotalSamplesReceived != s.JitterBufferEmittedCount+s.ConcealedSamples || s.UnheardSamples > s.DecodedSamples {
			t.Errorf("the counters do not add up: %+v", s)
		}
	})
}
