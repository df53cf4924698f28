package pace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
)

// counting is a source that counts up, and holds up its n-th call once.
type counting struct {
	next, calls int
	holdAt      int
	hold        time.Duration
}

func (c *counting) Fill(dst []int16) {
	c.calls++
	if c.calls == c.holdAt {
		time.Sleep(c.hold)
	}
	for i := range dst {
		dst[i] = int16(c.next)
		c.next++
	}
}

func (c *counting) Close() error { return nil }

// collecting is a sink that fails once it has had enough.
type collecting struct {
	pcm   []int16
	limit int
}

var errFull = errors.New("disk is full")

func (c *collecting) Write(pcm []int16) error {
	if c.limit > 0 && len(c.pcm) >= c.limit {
		return errFull
	}
	c.pcm = append(c.pcm, pcm...)
	return nil
}

func (c *collecting) Close() error { return nil }

func TestCaptureDeliversEveryTenMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		clock := audio.NewClock()
		p := port.NewCapture(clock)
		var pacer pace.Pacer
		done := make(chan error, 1)
		go func() { done <- pacer.RunCapture(ctx, &counting{}, p) }()

		frame := make([]int16, audio.PeriodSamples)
		for i := range 200 {
			<-p.Ready()
			pos, ok := p.Read(frame)
			if want := uint64(i * audio.PeriodSamples); !ok || pos != want || frame[0] != int16(want) {
				t.Fatalf("period %d: pos %d, %v", i, pos, ok)
			}
			if at, _ := p.DeliveredAt(pos); at != time.Duration(i+1)*audio.Period {
				t.Fatalf("period %d came at %v", i, at)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("RunCapture = %v, want nil when its context ends", err)
		}
		if st := pacer.Stats(); st.Late != 0 || st.Reanchors != 0 || st.Periods != 200 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestLatenessIsCaughtUpAndDoesNotAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		clock := audio.NewClock()
		p := port.NewCapture(clock)
		src := &counting{holdAt: 100, hold: 305 * time.Millisecond}
		var pacer pace.Pacer
		done := make(chan error, 1)
		go func() { done <- pacer.RunCapture(ctx, src, p) }()

		frame := make([]int16, audio.PeriodSamples)
		next := uint64(0)
		for clock() < 2*time.Second {
			<-p.Ready()
			for {
				pos, ok := p.Read(frame)
				if !ok {
					break
				}
				if pos != next {
					t.Fatalf("pos %d, want %d: catching up overran a reader that is not late", pos, next)
				}
				next += audio.PeriodSamples
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the pacer ended with %v", err)
		}
		if st := p.Stats(); st.Samples != 200*audio.PeriodSamples {
			t.Errorf("%d samples in 2 s, want %d", st.Samples, 200*audio.PeriodSamples)
		}
		if st := pacer.Stats(); st.Late != 1 || st.Reanchors != 0 || st.Skipped != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestMoreThanASecondBehindStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		p := port.NewCapture(audio.NewClock())
		src := &counting{holdAt: 100, hold: 2500 * time.Millisecond}
		var pacer pace.Pacer
		if err := pacer.RunCapture(ctx, src, p); err != nil {
			t.Fatal(err)
		}
		st := pacer.Stats()
		if st.Reanchors != 1 || st.Skipped < 240 || st.Skipped > 260 {
			t.Errorf("stats %+v, want one new start that left out about 250 periods", st)
		}
		// The period that was held up, then 10 ms each.
		if st.Periods+st.Skipped < 498 || st.Periods+st.Skipped > 501 {
			t.Errorf("%d periods and %d left out in 5 s, want 500 together", st.Periods, st.Skipped)
		}
	})
}

func TestPlaybackWritesWhatThePortHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Millisecond)
		defer cancel()
		p := port.NewPlayback(audio.NewClock())
		sink := &collecting{}
		done := make(chan error, 1)
		go func() { done <- pace.RunPlayback(ctx, sink, p) }()

		src := &counting{}
		buf := make([]int16, audio.PeriodSamples)
		for ctx.Err() == nil {
			for p.Buffered() < p.LowWater() {
				src.Fill(buf)
				p.Write(buf)
			}
			select {
			case <-p.Wanted():
			case <-ctx.Done():
			}
		}
		if err := <-done; err != nil {
			t.Errorf("RunPlayback = %v, want nil when its context ends", err)
		}
		if len(sink.pcm) != audio.Rate {
			t.Fatalf("%d samples in 1 s", len(sink.pcm))
		}
		for i, v := range sink.pcm {
			if v != int16(i) {
				t.Fatalf("sample %d is %d", i, v)
			}
		}
		if st := p.Stats(); st.Underruns != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestPlaybackReturnsTheErrorOfTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := port.NewPlayback(audio.NewClock())
		err := pace.RunPlayback(t.Context(), &collecting{limit: 1000}, p)
		if !errors.Is(err, errFull) {
			t.Errorf("RunPlayback = %v, want %v", err, errFull)
		}
	})
}
