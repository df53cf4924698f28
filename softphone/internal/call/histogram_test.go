package call

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramQuantilesAreWithinThreePercent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h histogram
	all := make([]time.Duration, 20000)
	for i := range all {
		all[i] = time.Duration(math.Exp(r.Float64()*14)) * time.Microsecond
		h.add(all[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99} {
		got, ok := h.quantile(q)
		want := all[int(q*float64(len(all)))]
		if !ok || math.Abs(float64(got-want)) > 0.035*float64(want)+float64(2*time.Microsecond) {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if h.most() != all[len(all)-1] {
		t.Errorf("most: got %v, want %v", h.most(), all[len(all)-1])
	}
}

func TestHistogramKnowsWhenItIsEmpty(t *testing.T) {
	var h histogram
	if _, ok := h.quantile(0.5); ok {
		t.Error("an empty histogram has a median")
	}
	if _, ok := h.mean(); ok {
		t.Error("an empty histogram has a mean")
	}
	h.add(-time.Second) // a clock that stepped
	h.add(1000 * time.Hour)
	if got, _ := h.quantile(0); got != 0 {
		t.Errorf("a negative duration counts as %v, want 0", got)
	}
}

func TestHistogramBucketsAreInOrder(t *testing.T) {
	last := -1
	for us := range 200000 {
		b := bucketOf(time.Duration(us) * time.Microsecond)
		if b < last || b > last+1 {
			t.Fatalf("%d µs is in bucket %d after bucket %d", us, b, last)
		}
		v := float64(bucketValue(b) / time.Microsecond)
		if math.Abs(v-float64(us)) > 0.032*float64(us)+1 {
			t.Fatalf("%d µs counts as %v µs", us, v)
		}
		last = b
	}
}
