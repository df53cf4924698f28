package port_test

import (
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

func TestEmptyPortPlaysSilenceUncountedUntilWritten(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := []int16{7, 7, 7, 7}
	p.Take(out)
	for _, v := range out {
		if v != 0 {
			t.Fatalf("silence is %v", out)
		}
	}
	if !signalled(p.Wanted()) {
		t.Error("no signal after Take")
	}
	if st := p.Stats(); st.Underruns != 0 || st.UnderrunSamples != 0 || st.Callbacks != 1 || st.Taken != 0 {
		t.Errorf("stats before the first write: %+v", st)
	}
	p.Write([]int16{1, 2, 3})
	p.Take(out)
	if out[0] != 1 || out[1] != 2 || out[2] != 3 || out[3] != 2 {
		t.Errorf("took %v, want 1 2 3 and the beginning of a fade", out)
	}
	p.Take(out) // still dry: the same underrun
	if st := p.Stats(); st.Underruns != 1 || st.UnderrunSamples != 5 || st.Taken != 3 {
		t.Errorf("stats after running dry: %+v", st)
	}
	p.Write(make([]int16, 4))
	p.Take(out)
	p.Take(out)
	if st := p.Stats(); st.Underruns != 2 || st.UnderrunSamples != 9 {
		t.Errorf("stats after running dry again: %+v", st)
	}
}

func TestRunningDryMakesNoClick(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	loud := make([]int16, 700)
	for i := range loud {
		loud[i] = 12000
	}
	var heard []int16
	for range 4 { // each time it runs dry in the second callback
		p.Write(loud)
		for range 2 {
			out := make([]int16, 480)
			p.Take(out)
			heard = append(heard, out...)
		}
	}
	for i := 701; i < len(heard); i++ { // the very first sample comes out of nothing
		if d := int(heard[i]) - int(heard[i-1]); d > 120 || d < -120 {
			t.Fatalf("a step of %d at %d", d, i)
		}
	}
	if p.Stats().Underruns != 4 {
		t.Errorf("%d underruns", p.Stats().Underruns)
	}
}

func TestRunningOutAfterFinishIsNoUnderrun(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := make([]int16, 480)
	p.Write(make([]int16, 700))
	p.Finish()
	p.Take(out)
	if p.Buffered() != 220 {
		t.Errorf("Buffered %d, want 220", p.Buffered())
	}
	p.Take(out)
	p.Take(out)
	if st := p.Stats(); st.Underruns != 0 || st.Taken != 700 {
		t.Errorf("stats %+v, want no underrun and 700 taken", st)
	}
	p.Write(make([]int16, 100))
	p.Take(out)
	if st := p.Stats(); st.Underruns != 1 {
		t.Errorf("%d underruns after writing went on, want 1", st.Underruns)
	}
}

func TestFullPortAcceptsLess(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	frame := make([]int16, 1000)
	total := 0
	for {
		pos, n := p.Write(frame)
		if pos != uint64(total) {
			t.Fatalf("Write at %d, want %d", pos, total)
		}
		total += n
		if n < len(frame) {
			break
		}
	}
	if total < port.RingSamples || p.Buffered() != total {
		t.Errorf("holds %d, Buffered %d; want at least %d", total, p.Buffered(), port.RingSamples)
	}
	p.Take(frame[:480])
	if _, n := p.Write(frame); n != 480 {
		t.Errorf("accepts %d after 480 were taken", n)
	}
}

func TestLowWaterFollowsTheLargestRecentCallback(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	if got, want := p.LowWater(), ms(15); got != want {
		t.Errorf("before the first callback %d, want %d", got, want)
	}
	take := func(n int) {
		h.now += audio.Duration(n)
		p.Take(make([]int16, n))
	}
	take(120)
	take(360)
	take(120)
	if got, want := p.LowWater(), 360+ms(5); got != want {
		t.Errorf("with callbacks up to 360: %d, want %d", got, want)
	}
	for range 1700 { // 4.25 s
		take(120)
	}
	if got, want := p.LowWater(), 120+ms(5); got != want {
		t.Errorf("4 s after the last large callback: %d, want %d", got, want)
	}
}

func TestMarginGrowsByUnderrunsAndFallsBack(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := make([]int16, 480)
	play := func(written int) {
		h.now += audio.Period
		p.Write(out[:written])
		p.Take(out)
	}
	margin := func() int { return p.LowWater() - 480 }
	for i, want := range []int{360, 480, 600, 720, 840, 960, 960, 960} {
		play(480)
		play(100)
		if got := margin(); got != want {
			t.Fatalf("after %d underruns the margin is %d, want %d", i+1, got, want)
		}
	}
	if got := p.Stats().Starved; got != 2 {
		t.Errorf("%d underruns came with the greatest margin, want 2", got)
	}
	p.Write(out[:200]) // to spare after every callback from now on
	for range 11999 {
		play(480)
	}
	if got := margin(); got != 960 {
		t.Fatalf("just before two minutes without underrun the margin is %d, want 960", got)
	}
	play(480)
	if got := margin(); got != 840 {
		t.Fatalf("two minutes after the last of many underruns the margin is %d, want 840", got)
	}
	for range 30000 {
		play(480)
	}
	if got := margin(); got != 240 {
		t.Fatalf("long after the last underrun the margin is %d, want 240", got)
	}
}

func TestAMarginThatFailedIsTriedLater(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := make([]int16, 480)
	underruns, last := 0, time.Duration(0)
	for h.now < 10*time.Minute {
		h.now += audio.Period
		n := 480
		// With the least margin the writer is late once in a while.
		if p.LowWater()-480 == 240 && h.now%time.Second == 0 {
			n, underruns, last = 0, underruns+1, h.now
		}
		for p.Buffered() < p.LowWater() {
			p.Write(out[:120])
		}
		p.Take(out)
		if n == 0 {
			p.Take(out[:p.Buffered()])
			p.Take(out)
		}
	}
	if underruns < 3 || underruns > 9 {
		t.Errorf("%d underruns in ten minutes, the last after %v", underruns, last)
	}
}

func TestAMarginThatIsNeededStays(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := make([]int16, 480)
	p.Write(out[:100])
	p.Take(out)        // an underrun raises it
	p.Write(out[:100]) // left by every callback: less than a step of the margin
	for range 3000 {
		h.now += audio.Period
		p.Write(out)
		p.Take(out)
	}
	if got, want := p.LowWater()-480, ms(5)+120; got != want {
		t.Errorf("after 30 s without an underrun, but close to it, the margin is %d, want %d", got, want)
	}
}

func TestAHiccupLeavesNoDelayInThePlaybackPort(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	pcm := make([]int16, 480)
	// fill is what the ear does when it is woken, or later.
	fill := func() {
		for p.Buffered() < p.LowWater() {
			p.Write(pcm)
		}
	}
	run := func(callbacks int) (most int) {
		for range callbacks {
			h.now += 2500 * time.Microsecond
			p.Take(make([]int16, 120))
			fill()
			most = max(most, p.Buffered())
		}
		return most
	}
	fill()
	run(400)
	before := run(400)
	// The card is late by 200 ms and asks for all of it at once, several times.
	for range 4 {
		h.now += 200 * time.Millisecond
		p.Take(make([]int16, ms(200)))
		fill()
	}
	if most := run(1); most < ms(200) {
		t.Errorf("after callbacks of 200 ms only %d samples wait", most)
	}
	run(16000) // 40 s: the callbacks are forgotten after 4, the margin by steps
	if after := run(400); after > before {
		t.Errorf("%d samples wait, before the hiccup %d did", after, before)
	}
}

func TestTakeTimesAreFoundByPosition(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out := make([]int16, 480)
	h.now = time.Second
	p.Take(out) // silence has no position
	first, _ := p.Write(make([]int16, 700))
	h.now = 2 * time.Second
	p.Take(out)
	if at, ok := p.TakenAt(first + 479); !ok || at != 2*time.Second {
		t.Errorf("TakenAt(479) = %v, %v", at, ok)
	}
	if _, ok := p.TakenAt(first + 480); ok {
		t.Error("a sample that still waits has a time")
	}
	h.now = 3 * time.Second
	p.Take(out)
	if at, ok := p.TakenAt(first + 699); !ok || at != 3*time.Second {
		t.Errorf("TakenAt(699) = %v, %v", at, ok)
	}
	if _, ok := p.TakenAt(700); ok {
		t.Error("a sample that was never written has a time")
	}
}

func TestWriterAndCallbackRunConcurrently(t *testing.T) {
	p := port.NewPlayback(audio.NewClock())
	const total = 60000
	var wg sync.WaitGroup
	wg.Go(func() {
		var src counter
		for src.next < total {
			<-p.Wanted()
			for p.Buffered() < p.LowWater() && src.next < total {
				pos, n := p.Write(src.take(100))
				if int(pos) != src.next-100 || n != 100 {
					t.Errorf("Write = %d, %d", pos, n)
				}
			}
		}
		p.Finish()
	})
	out := make([]int16, 120)
	next, fading := 0, 0 // what comes after it ran dry is faded in over 120 samples
	for next < total {
		before := p.Stats().Taken
		p.Take(out)
		taken := int(p.Stats().Taken - before)
		for _, v := range out[:taken] {
			if v != int16(next) && fading == 0 {
				t.Fatalf("sample %d is %d", next, v)
			}
			next++
			fading = max(0, fading-1)
		}
		if taken < len(out) {
			fading = 120
		}
	}
	wg.Wait()
	if st := p.Stats(); st.Taken != total {
		t.Errorf("stats %+v", st)
	}
}

func TestTheWriterIsWokenOnlyWhenThereIsSomethingToWrite(t *testing.T) {
	var h handClock
	p := port.NewPlayback(h.read)
	out, pcm := make([]int16, 120), make([]int16, 240)
	fill := func() {
		for p.Buffered() < p.LowWater() {
			p.Write(pcm)
		}
	}
	p.Take(out)
	fill()
	signalled(p.Wanted())
	wakes := 0
	for range 400 { // a second of callbacks of 2.5 ms
		h.now += 2500 * time.Microsecond
		p.Take(out)
		low := p.Buffered() < p.LowWater()
		if told := signalled(p.Wanted()); told != low {
			t.Fatalf("%d of %d samples wait: signalled %v", p.Buffered(), p.LowWater(), told)
		}
		if low {
			wakes++
			fill()
		}
	}
	if wakes != 200 || p.Stats().Underruns != 0 {
		t.Errorf("%d wakes and %d underruns, want 200 and none", wakes, p.Stats().Underruns)
	}
}
