package audiotest_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
)

func TestTheInstrumentsReadWhatTheSignalsAre(t *testing.T) {
	pcm := audiotest.Sine(audio.Rate, 440, 10000)
	if a := audiotest.Goertzel(pcm, 440); math.Abs(a-10000) > 10 {
		t.Errorf("a sine of 10000 reads %.0f", a)
	}
	if a := audiotest.Goertzel(pcm, 880); a > 10 {
		t.Errorf("an octave above it reads %.0f", a)
	}
	for _, off := range []float64{-12, -1, 0, 0.1, 12} {
		if f := audiotest.Frequency(pcm, 440+off); math.Abs(f-440) > 0.01 {
			t.Errorf("440 Hz reads %.3f", f)
		}
	}
	if c := audiotest.Cents(440, 880); math.Abs(c-1200) > 1e-9 {
		t.Errorf("an octave has %v cents", c)
	}
	if got := audiotest.MaxStep([]int16{0, 32767, -32768}); got != 65535 {
		t.Errorf("the largest step there is reads %d", got)
	}
	if got := audiotest.Peak([]int16{3, -32768}); got != 32768 {
		t.Errorf("the peak reads %d", got)
	}
	if b := audiotest.Spectrum(audiotest.Sine(audio.Rate, 1000, 10000), 1000); math.Abs(b.Loudest()-77) > 0.5 {
		t.Errorf("the spectrum of a sine of 10000 (77 dB) has %.1f dB", b.Loudest())
	}
	same := func(at int) int { return at }
	noise := audiotest.Noise(audio.Rate, 10000, 1)
	half := audiotest.LongTerm(audiotest.Noise(audio.Rate, 5000, 1))
	if d := audiotest.LongTerm(noise).Distance(half, -90); math.Abs(d-6.02) > 0.05 {
		t.Errorf("noise of half the amplitude is %.2f dB away", d)
	}
	if mean, p99 := audiotest.SpectralDistance(noise, noise, same, 0); mean > 0.01 || p99 > 0.01 {
		t.Errorf("noise is %.2f dB away from itself, %.2f at most", mean, p99)
	}
	if mean, _ := audiotest.SpectralDistance(noise, pcm, same, 4800); mean < 20 {
		t.Errorf("a sine is only %.2f dB away from noise", mean)
	}
	speech := audiotest.Speech(audio.Rate, 1)
	if pos, rho := audiotest.Find(speech[12345:14345], speech, 11000, 13000); pos != 12345 || rho < 0.999 {
		t.Errorf("speech from 12345 is found at %d, correlation %.3f", pos, rho)
	}
}

func TestTheNetworkDoesWhatItIsTold(t *testing.T) {
	pcm := audiotest.Noise(10*audio.Rate, 9000, 1)
	a := audiotest.Frames(pcm, 960)
	if len(a) != 500 || a[0].At != 20*time.Millisecond || a[499].Packet.Sequence != 500 || a[499].Packet.Media != 499*960 {
		t.Fatalf("%d frames, the last %+v", len(a), a[len(a)-1].Packet.Sequence)
	}
	var out [960]int16
	dec := &audiotest.Decoder{}
	if n, err := dec.Decode(out[:], a[3].Packet.Data); n != 960 || err != nil || !slices.Equal(out[:], pcm[3*960:4*960]) {
		t.Error("a frame is not what was cut")
	}
	if _, err := dec.Decode(out[:], audiotest.Encode(nil, []int16{audiotest.Broken})); err == nil {
		t.Error("a broken packet is decoded")
	}
	var sum time.Duration
	delay := audiotest.Gamma(30*time.Millisecond, 10*time.Millisecond, 1)
	for i := range 20000 {
		d := delay(i)
		if d < 30*time.Millisecond {
			t.Fatalf("a delay of %v", d)
		}
		sum += d - 30*time.Millisecond
	}
	if mean := sum / 20000; mean < 9500*time.Microsecond || mean > 10500*time.Microsecond {
		t.Errorf("the mean jitter is %v", mean)
	}
	audiotest.Stall(a, time.Second, 3*time.Second)
	late := 0
	for i, x := range a {
		if i > 0 && x.At <= a[i-1].At {
			t.Fatal("out of order")
		}
		if x.At >= time.Second && x.At < 4*time.Second {
			t.Fatalf("an arrival at %v", x.At)
		}
		if x.At < 4010*time.Millisecond && x.At >= 4*time.Second {
			late++
		}
	}
	if late != 151 {
		t.Errorf("%d arrivals in the burst", late)
	}
	a = audiotest.Drop(a, 100, 103)
	if len(a) != 497 || a[100].Packet.Sequence != 104 || a[100].Packet.DroppedBefore != 3 {
		t.Errorf("after a drop: %d, sequence %d, mark %d", len(a), a[100].Packet.Sequence, a[100].Packet.DroppedBefore)
	}
}
