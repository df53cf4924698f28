package quality_test

import (
	"math"
	"testing"
	"time"

	"callcenter/audio/quality"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.4f, want %.4f", what, got, want)
	}
}

func TestDelayImpairment(t *testing.T) {
	tests := []struct {
		name  string
		delay time.Duration
		want  float64
	}{
		{"no delay costs nothing", 0, 0},
		{"a negative delay counts as none", -time.Second, 0},
		{"the fixed part of our path", 75 * time.Millisecond, 1.8},
		{"the limit of G.114 for most uses", 150 * time.Millisecond, 3.6},
		{"at the knee", 177300 * time.Microsecond, 4.2552},
		{"200 ms", 200 * time.Millisecond, 7.297},
		{"300 ms", 300 * time.Millisecond, 20.697},
		{"the planning limit of G.114", 400 * time.Millisecond, 34.097},
		{"a second", time.Second, 114.497},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			near(t, "DelayImpairment", quality.DelayImpairment(tt.delay), tt.want, 0.001)
		})
	}
}

func TestLossImpairmentAndItsMOS(t *testing.T) {
	for _, tt := range []struct{ percent, impairment, mos float64 }{
		{0, 0, 4.41},
		{0.5, 1.9, 4.37},
		{1, 3.6, 4.33},
		{2, 7.0, 4.23},
		{3, 10.1, 4.13},
		{5, 15.8, 3.92},
		{10, 27.1, 3.41},
		{20, 42.1, 2.63},
	} {
		near(t, "LossImpairment", quality.LossImpairment(tt.percent), tt.impairment, 0.06)
		near(t, "MOS", quality.Estimate(0, tt.percent).MOS, tt.mos, 0.006)
	}
}

func TestLossImpairmentOutsideItsRange(t *testing.T) {
	near(t, "below 0 %", quality.LossImpairment(-3), 0, 0)
	near(t, "no number", quality.LossImpairment(math.NaN()), 0, 0)
	near(t, "above 100 %", quality.LossImpairment(250), quality.LossImpairment(100), 0)
	near(t, "infinite", quality.LossImpairment(math.Inf(1)), quality.LossImpairment(100), 0)
}

func TestMOS(t *testing.T) {
	for _, tt := range []struct{ r, want float64 }{
		{-5, 1},
		{0, 1},
		{3, 1},
		{50, 2.58},
		{60, 3.10},
		{62.6, 3.23},
		{69.1, 3.56},
		{70, 3.60},
		{78.4, 3.96},
		{80, 4.02},
		{84.3, 4.18},
		{90, 4.34},
		{90.2, 4.34},
		{93, 4.41},
		{quality.BestR, 4.41},
		{100, 4.5},
		{120, 4.5},
	} {
		near(t, "MOS", quality.MOS(tt.r), tt.want, 0.006)
	}
}

func TestMOSNeverFallsAsRGrows(t *testing.T) {
	last := 0.0
	for r := -10.0; r <= 110; r += 0.25 {
		mos := quality.MOS(r)
		if mos < last {
			t.Fatalf("MOS(%v) = %v after %v", r, mos, last)
		}
		last = mos
	}
}

func TestEstimateAddsUp(t *testing.T) {
	for _, delay := range []time.Duration{0, 90 * time.Millisecond, 270 * time.Millisecond, 5 * time.Second} {
		for _, percent := range []float64{0, 1.2, 8, 100} {
			s := quality.Estimate(delay, percent)
			near(t, "MOS and what was taken off", s.MOS+s.DelayMOS+s.LossMOS, quality.MOS(quality.BestR), 1e-9)
			near(t, "R", s.R, max(0, quality.BestR-s.DelayR-s.LossR), 1e-9)
			near(t, "MOS", s.MOS, quality.MOS(s.R), 1e-9)
			if s.DelayMOS < 0 || s.LossMOS < 0 || (delay == 0) != (s.DelayMOS == 0) || (percent == 0) != (s.LossMOS == 0) {
				t.Errorf("%v and %v %% concealed take off %v and %v", delay, percent, s.DelayMOS, s.LossMOS)
			}
		}
	}
}

func TestEstimateOfACallThatSuffersFromBoth(t *testing.T) {
	s := quality.Estimate(270*time.Millisecond, 1.2)
	near(t, "DelayR", s.DelayR, 16.677, 0.001)
	near(t, "LossR", s.LossR, 4.335, 0.001)
	near(t, "R", s.R, 72.188, 0.001)
	near(t, "MOS", s.MOS, 3.70, 0.006)
	if s.DelayMOS <= s.LossMOS {
		t.Errorf("delay takes off %.2f and concealment %.2f, want delay to be the greater", s.DelayMOS, s.LossMOS)
	}
}
