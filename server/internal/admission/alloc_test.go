//go:build !race

package admission

import (
	"testing"
	"time"
)

func TestAMeterAllocatesNothing(t *testing.T) {
	m, message := NewMeter(at(0), 1<<30), frame(frameData, 0, 100)
	if n := testing.AllocsPerRun(1000, func() { m.Read(message, time.Now) }); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}
