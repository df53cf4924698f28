package ring_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"callcenter/audio/ring"
)

// counting returns n samples that count up from the given one.
func counting(from, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(from + i)
	}
	return pcm
}

func TestCapacityIsRoundedUpToAPowerOfTwo(t *testing.T) {
	for _, c := range []struct{ ask, want int }{{-1, 1}, {0, 1}, {1, 1}, {2, 2}, {3, 4}, {480, 512}, {48000, 65536}} {
		t.Run(fmt.Sprint(c.ask), func(t *testing.T) {
			if got := ring.New(c.ask).Cap(); got != c.want {
				t.Errorf("New(%d).Cap() = %d, want %d", c.ask, got, c.want)
			}
		})
	}
}

func TestFullRingTakesOnlyWhatFits(t *testing.T) {
	r := ring.New(8)
	if n := r.Write(counting(1, 6)); n != 6 {
		t.Fatalf("first write took %d, want 6", n)
	}
	if n := r.Write(counting(7, 6)); n != 2 {
		t.Fatalf("second write took %d, want 2", n)
	}
	if n := r.Write(counting(9, 1)); n != 0 {
		t.Fatalf("write to a full ring took %d", n)
	}
	got := make([]int16, 20)
	if n := r.Read(got); n != 8 {
		t.Fatalf("read %d, want 8", n)
	}
	for i, v := range got[:8] {
		if v != int16(i+1) {
			t.Fatalf("sample %d is %d, want %d", i, v, i+1)
		}
	}
	if n := r.Read(got); n != 0 {
		t.Fatalf("read %d of an empty ring", n)
	}
}

func TestDiscardForgetsTheOldest(t *testing.T) {
	r := ring.New(8)
	r.Write(counting(1, 5))
	if n := r.Discard(-3); n != 0 {
		t.Errorf("Discard(-3) = %d, want 0", n)
	}
	if n := r.Discard(3); n != 3 {
		t.Errorf("Discard(3) = %d, want 3", n)
	}
	got := make([]int16, 1)
	r.Read(got)
	if got[0] != 4 {
		t.Errorf("first sample after the discard is %d, want 4", got[0])
	}
	if n := r.Discard(9); n != 1 {
		t.Errorf("Discard(9) of one sample = %d, want 1", n)
	}
	if r.Len() != 0 || r.Written() != 5 || r.Taken() != 5 {
		t.Errorf("Len %d, Written %d, Taken %d; want 0, 5, 5", r.Len(), r.Written(), r.Taken())
	}
}

// Writer and reader run freely with sizes of their own; every sample must come
// through once and in order. Under the race detector this also proves that the
// indices order the memory between them.
func TestConcurrentWriterAndReaderKeepEverySample(t *testing.T) {
	const total = 200_000
	r := ring.New(256)
	done := make(chan struct{})
	go func() {
		defer close(done)
		rnd := rand.New(rand.NewPCG(1, 2))
		for sent := 0; sent < total; {
			n := r.Write(counting(sent, min(1+rnd.IntN(100), total-sent)))
			if n == 0 {
				runtime.Gosched()
			}
			sent += n
		}
	}()
	rnd := rand.New(rand.NewPCG(3, 4))
	buf := make([]int16, 100)
	for got := 0; got < total; {
		if l := r.Len(); l < 0 || l > r.Cap() {
			t.Fatalf("Len() = %d", l)
		}
		n := r.Read(buf[:1+rnd.IntN(99)])
		if n == 0 {
			runtime.Gosched()
		}
		for i, v := range buf[:n] {
			if v != int16(got+i) {
				t.Fatalf("sample %d is %d, want %d", got+i, v, int16(got+i))
			}
		}
		got += n
	}
	<-done
}

func BenchmarkWriteRead(b *testing.B) {
	r := ring.New(48000)
	pcm := make([]int16, 480)
	b.ReportAllocs()
	b.SetBytes(960)
	for b.Loop() {
		r.Write(pcm)
		r.Read(pcm)
	}
}
