package hostile

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

// visits are calls of newcomers: what keeps those out who come while others are
// hostile hurts them as much as a gap.
type visits struct {
	Tried   int     `json:"tried"`
	Refused int     `json:"refused"`
	P50     float64 `json:"p50_ms"` // from dialling to the answer
	Max     float64 `json:"max_ms"`
	Why     string  `json:"why,omitempty"` // the first was refused

	took []float64
}

const (
	// visitEvery is how often a newcomer calls, and visitLimit how long one waits.
	visitEvery = 250 * time.Millisecond
	visitLimit = 5 * time.Second
)

// visit calls, waits for the answer, and hangs up, all within a limit. It returns
// how long the answer took.
func (c *caller) visit(ctx context.Context, limit time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	l, err := c.dial(ctx, "pcm", newIdentity())
	took := time.Since(began)
	if err != nil {
		return took, err
	}
	defer l.close()
	if err := l.stream.CloseSend(); err != nil {
		return took, err
	}
	for {
		if _, err := l.stream.Recv(); errors.Is(err, io.EOF) {
			return took, nil
		} else if err != nil {
			return took, err
		}
	}
}

// newcomers come until ctx ends, one after the other.
func (c *caller) newcomers(ctx context.Context) (v visits) {
	_ = at(ctx, visitEvery, func() error { // it ends with ctx
		took, err := c.visit(ctx, visitLimit)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the test has ended
		}
		v.Tried++
		if err != nil {
			v.Refused++
			if v.Why == "" {
				v.Why = err.Error()
			}
			return nil
		}
		v.took = append(v.took, float64(took.Microseconds())/1000)
		return nil
	})
	if len(v.took) > 0 {
		v.Max, v.P50 = slices.Max(v.took), middle(v.took)
	}
	return v
}
