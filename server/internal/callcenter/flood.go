package callcenter

import "time"

const (
	// floodRate is how many chunks a second end a call when they come for
	// floodSeconds in a row: twice what is let through.
	floodRate    = 2 * chunkRate
	floodSeconds = 5
	// floodOnce is how many times that in one second end it at once. No stall ends in
	// so many: what is under way while nobody reads is bounded by the windows of the
	// transport, 64 KiB on each side.
	floodOnce = 40
	// stallLeast is a silence that is none of the caller's doing, who owes a chunk
	// each 200 ms: the network stood, or this process did. What it held back comes
	// at once, or as fast as the network lets it, and is not held against the
	// caller: chunkRate for as long as it lasted, stallMost at most.
	stallLeast = 500 * time.Millisecond
	stallMost  = 30 * time.Second
)

// flood finds a caller that sends far more than is let through, for so long that
// no stall explains it. It looks at the times of arrival and at nothing else. Use
// newFlood.
type flood struct {
	rate         float64       // chunks a second that are too many
	last, second time.Duration // of the newest arrival, and when its second began
	chunks       int           // in this second
	owed         float64       // chunks that stalls held back
	over         int           // seconds in a row that had too many
}

func newFlood() flood { return flood{rate: floodRate} }

// arrived counts a chunk that came at now, and reports whether the call must end.
func (f *flood) arrived(now time.Duration) bool {
	if passed := now - f.second; passed >= time.Second {
		f.judge(passed)
		f.second, f.chunks = now, 0
	}
	if gap := now - f.last; f.last != 0 && gap >= stallLeast {
		f.owed = min(f.owed+gap.Seconds()*chunkRate, stallMost.Seconds()*chunkRate)
	}
	f.last = now
	f.chunks++
	return f.over >= floodSeconds || float64(f.chunks) > floodOnce*f.rate
}

// judge looks at the second that is over, since passed ago it began.
func (f *flood) judge(passed time.Duration) {
	excess := float64(f.chunks) - f.rate*passed.Seconds()
	switch {
	case excess <= 0:
		f.over, f.owed = 0, max(0, f.owed+excess)
	case excess <= f.owed:
		f.over, f.owed = 0, f.owed-excess
	default:
		f.over, f.owed = f.over+1, 0
	}
}

// tooLong returns an error when the call has lasted as long as it may.
func (c *call) tooLong() error {
	if most := c.svc.gate.Limits().CallDuration; most > 0 && c.clock()-c.start >= most {
		return errLongest(most)
	}
	return nil
}
