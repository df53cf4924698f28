package hostile

import (
	"context"
	"slices"
	"time"
)

// at calls do every interval, by absolute deadlines, until it fails or ctx ends.
func at(ctx context.Context, interval time.Duration, do func() error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := time.Now(); ; next = next.Add(interval) {
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := do(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// pause waits so long, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inTime waits for a condition, as long as a slow computer may take.
func inTime(holds func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// middle is the median; it sorts.
func middle(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
