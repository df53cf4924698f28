package port_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"callcenter/audio/port"
)

func TestFramesComeOutWhateverTheCallbackSize(t *testing.T) {
	for _, size := range []int{1, 120, 441, 480, 1000, 1920} {
		var h handClock
		var src counter
		c := port.NewCapture(h.read)
		frame := make([]int16, 960)
		next := uint64(0)
		for src.next < 20000 {
			c.Deliver(src.take(size))
			// The first reader, who has not read yet, is always told.
			whole := uint64(src.next) >= next+960
			if told := signalled(c.Ready()); told != (whole || src.next == size) {
				t.Fatalf("callbacks of %d, %d samples wait: signalled %v", size, uint64(src.next)-next, told)
			}
			for {
				pos, ok := c.Read(frame)
				if !ok {
					break
				}
				if pos != next || frame[0] != int16(pos) || frame[959] != int16(pos+959) {
					t.Fatalf("callbacks of %d: pos %d, samples %d to %d; want pos %d", size, pos, frame[0], frame[959], next)
				}
				next += 960
			}
		}
		st := c.Stats()
		if st.Overrun != 0 || st.Flushed != 0 || st.Samples != uint64(src.next) || st.Callbacks != uint64(src.next/size) {
			t.Errorf("callbacks of %d: stats %+v", size, st)
		}
	}
}

func TestSignalIsKeptOnceForManyDeliveries(t *testing.T) {
	var h handClock
	c := port.NewCapture(h.read)
	pcm := make([]int16, 480)
	c.Deliver(pcm)
	c.Deliver(pcm)
	if !signalled(c.Ready()) || signalled(c.Ready()) {
		t.Error("want exactly one signal for two deliveries that nobody waited for")
	}
}

func TestBacklogAtTheLimitIsKept(t *testing.T) {
	var h handClock
	var src counter
	c := port.NewCapture(h.read)
	frame := make([]int16, 960)
	for src.next < port.CaptureLimit+len(frame) {
		c.Deliver(src.take(480))
	}
	if pos, ok := c.Read(frame); !ok || pos != 0 {
		t.Errorf("Read = %d, %v; want 0, true", pos, ok)
	}
	if o := c.Stats().Overrun; o != 0 {
		t.Errorf("Overrun %d, want 0", o)
	}
}

func TestBacklogAboveTheLimitIsTrimmedOldestFirst(t *testing.T) {
	var h handClock
	var src counter
	c := port.NewCapture(h.read)
	frame := make([]int16, 960)
	for src.next < ms(500) {
		c.Deliver(src.take(480))
	}
	want := ms(500) - 960 - port.CaptureKeep
	pos, ok := c.Read(frame)
	if !ok || pos != uint64(want) || frame[0] != int16(want) {
		t.Fatalf("Read = %d, %v, first sample %d; want %d", pos, ok, frame[0], want)
	}
	if o := c.Stats().Overrun; o != uint64(want) {
		t.Errorf("Overrun %d, want %d", o, want)
	}
	for n := 1; ; n++ {
		pos, ok := c.Read(frame)
		if !ok {
			if n != 1+port.CaptureKeep/960 {
				t.Errorf("%d frames after the trim, want %d", n, 1+port.CaptureKeep/960)
			}
			break
		}
		if frame[0] != int16(pos) {
			t.Fatalf("sample at %d is %d", pos, frame[0])
		}
	}
}

func TestADeviceOfLargePeriodsIsNotTrimmedAllTheTime(t *testing.T) {
	var h handClock
	var src counter
	c := port.NewCapture(h.read)
	frame := make([]int16, 960)
	for range 5 {
		h.now += 125 * time.Millisecond
		c.Deliver(src.take(ms(125)))
		for {
			if _, ok := c.Read(frame); !ok {
				break
			}
		}
	}
	if o := c.Stats().Overrun; o != 0 {
		t.Errorf("Overrun %d with periods of 125 ms, want 0", o)
	}
}

func TestNobodyReadsForSecondsThenPositionsJump(t *testing.T) {
	var h handClock
	c := port.NewCapture(h.read)
	frame := make([]int16, 480)
	period := func(v int16) []int16 {
		pcm := make([]int16, 480)
		for i := range pcm {
			pcm[i] = v
		}
		return pcm
	}
	c.Deliver(period(0))
	c.Read(frame)
	for i := 1; i < 500; i++ { // the 5 s during which the reader is away
		c.Deliver(period(int16(i)))
	}
	if st := c.Stats(); st.Overrun == 0 || st.Samples != 500*480 {
		t.Fatalf("stats while away: %+v", st)
	}
	if _, ok := c.Read(frame); ok {
		t.Fatal("stale audio was read after the stall")
	}
	if st := c.Stats(); st.Overrun != 499*480 {
		t.Errorf("Overrun %d, want %d", st.Overrun, 499*480)
	}
	for i := 500; i < 510; i++ {
		c.Deliver(period(int16(i)))
		pos, ok := c.Read(frame)
		if !ok || pos != uint64(i)*480 || frame[0] != int16(i) {
			t.Fatalf("Read = %d, %v, period %d; want %d, true, %d", pos, ok, frame[0], i*480, i)
		}
	}
}

func TestFlushIsNoOverrun(t *testing.T) {
	var h handClock
	var src counter
	c := port.NewCapture(h.read)
	frame := make([]int16, 480)
	for range 300 { // longer than the port holds, nobody asked for it yet
		c.Deliver(src.take(480))
	}
	c.Flush()
	c.Deliver(src.take(480))
	c.Flush()
	if st := c.Stats(); st.Overrun != 0 || st.Flushed != 301*480 {
		t.Errorf("stats %+v, want no overrun and %d flushed", st, 301*480)
	}
	c.Deliver(src.take(480))
	if pos, ok := c.Read(frame); !ok || pos != 301*480 {
		t.Errorf("Read = %d, %v; want %d, true", pos, ok, 301*480)
	}
}

func TestDeliveryTimesAreFoundByPosition(t *testing.T) {
	h := handClock{now: time.Hour}
	c := port.NewCapture(h.read)
	if _, ok := c.DeliveredAt(0); ok {
		t.Error("a sample that never came has a time")
	}
	pcm := make([]int16, 480)
	const periods = 10000 // more than are remembered
	for range periods {
		h.now += 10 * time.Millisecond
		c.Deliver(pcm)
	}
	at := func(period int) time.Duration { return time.Hour + time.Duration(period+1)*10*time.Millisecond }
	for _, tc := range []struct {
		name   string
		period int
		want   bool
	}{
		{"the newest", periods - 1, true},
		{"two seconds ago", periods - 200, true},
		{"a minute ago", periods - 6000, true},
		{"long overwritten", 100, false},
		{"the first", 0, false},
		{"not there yet", periods, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, off := range []int{0, 1, 479} {
				got, ok := c.DeliveredAt(uint64(tc.period*480 + off))
				if ok != tc.want || ok && got != at(tc.period) {
					t.Errorf("DeliveredAt(period %d + %d) = %v, %v; want %v, %v", tc.period, off, got, ok, at(tc.period), tc.want)
				}
			}
		})
	}
	if last := c.Stats().Last; last != at(periods-1) {
		t.Errorf("Last %v, want %v", last, at(periods-1))
	}
}

// A callback, a reader that is sometimes away, and someone who looks up times
// run freely. Positions must only grow and match the samples, and every time
// that is found must be the right one.
func TestCallbackReaderAndObserverRunConcurrently(t *testing.T) {
	const period, periods = 64, 30000
	var mu sync.Mutex
	now := time.Duration(0)
	// Each reading of the clock moves it by 1 ms, so a period's time is known.
	c := port.NewCapture(func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		now += time.Millisecond
		return now
	})
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		pcm := make([]int16, period)
		for i := range periods {
			for j := range pcm {
				pcm[j] = int16((i*period + j) % 30011)
			}
			c.Deliver(pcm)
			if i%4096 < 3000 { // otherwise in a burst that overruns the port
				runtime.Gosched()
			}
		}
	})
	wg.Go(func() {
		for i := uint64(0); ; i++ {
			select {
			case <-done:
				return
			default:
			}
			total := c.Stats().Samples
			pos := total - min(total, i%uint64(9000*period)) // also into what is being overwritten
			if at, ok := c.DeliveredAt(pos); ok && at != time.Duration(pos/period+1)*time.Millisecond {
				t.Errorf("DeliveredAt(%d) = %v", pos, at)
				return
			}
		}
	})
	frame := make([]int16, 100)
	last, reads := int64(-1), 0
	for running := true; running; {
		select {
		case <-c.Ready():
		case <-done:
			running = false
		}
		for {
			pos, ok := c.Read(frame)
			if !ok {
				break
			}
			if int64(pos) <= last || frame[0] != int16(pos%30011) || frame[99] != int16((pos+99)%30011) {
				t.Fatalf("at %d after %d: samples %d, %d", pos, last, frame[0], frame[99])
			}
			last = int64(pos) + 99
			reads++
		}
		if reads%50 == 49 {
			c.Flush()
		}
	}
	wg.Wait()
	if st := c.Stats(); st.Samples != period*periods || st.Overrun == 0 || reads == 0 {
		t.Errorf("%d reads, stats %+v", reads, st)
	}
}
