package swarm

import (
	"math"
	"testing"
	"time"
)

func TestTheSlopeOfMemoryIsThatOfTheLineThatFits(t *testing.T) {
	var at []time.Duration
	var mib []float64
	for i := range 61 {
		at = append(at, time.Duration(i)*time.Second)
		mib = append(mib, 40+3*float64(i)/60+float64(i%2)) // and a saw's teeth
	}
	if g := slope(at, mib); math.Abs(g-3) > 0.05 {
		t.Errorf("grows by %.3f MiB a minute, want 3", g)
	}
	if g := slope(at[:1], mib[:1]); g != 0 {
		t.Errorf("one look tells a slope of %v", g)
	}
}
