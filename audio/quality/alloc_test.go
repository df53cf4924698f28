//go:build !race

package quality_test

import (
	"testing"
	"time"

	"callcenter/audio/quality"
)

func TestEstimateDoesNotAllocate(t *testing.T) {
	var sum float64
	allocs := testing.AllocsPerRun(100, func() {
		sum += quality.Estimate(90*time.Millisecond, 0.4).MOS
	})
	if allocs != 0 || sum == 0 {
		t.Errorf("Estimate allocates %v times, want 0", allocs)
	}
}
