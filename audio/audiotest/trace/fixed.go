package trace

import (
	"math"
	"slices"
	"time"

	"callcenter/audio/playlog"
	"callcenter/audio/quality"
)

// fixedRest is what mouth to ear takes outside network and buffer, as
// playlog.Score has it.
const fixedRest = 75 * time.Millisecond

// Fixed is a buffer that always plays at the same delay.
type Fixed struct {
	Delay        time.Duration // above the fastest packet
	ConcealedPct float64       // late or never sent
	R            float64
}

// BestFixed returns the buffer of a fixed delay that would have been best on a
// trace, which only who has seen the end of it can know: the R of every delay is
// computed. Where marks announce silence, what they cover is not missed.
func BestFixed(t playlog.Trace) Fixed {
	if len(t.Packets) == 0 {
		return Fixed{}
	}
	delays := make([]int64, 0, len(t.Packets))
	frames := int64(0)
	for i, p := range t.Packets {
		delays = append(delays, p.ArriveUS-p.SendUS)
		if i > 0 && !t.Packets[i-1].DTX {
			frames += p.Seq - t.Packets[i-1].Seq
		} else {
			frames++
		}
	}
	slices.Sort(delays)
	network := time.Duration(delays[0]) * time.Microsecond
	best := Fixed{R: math.Inf(-1)}
	for i, d := range delays {
		f := Fixed{Delay: time.Duration(d)*time.Microsecond - network}
		f.ConcealedPct = 100 * (1 - float64(i+1)/float64(frames))
		f.R = quality.BestR - quality.DelayImpairment(fixedRest+network+f.Delay) - quality.LossImpairment(f.ConcealedPct)
		if f.R > best.R {
			best = f
		}
	}
	return best
}
