// Package quality estimates how good a call sounds, with the E-model of ITU-T
// G.107: what delay and made-up audio cost in transmission rating R, and the
// mean opinion score (MOS) that R stands for. It is the only copy of these
// formulas: the playout buffer weighs delay against concealment with them, and
// screens, reports and logs show what they give.
//
// The result is an estimate and is labelled "est." wherever people see it.
// R is on the narrowband scale (93.2 is a call without any impairment), which
// must not be mixed with wideband or fullband scales.
//
// Nothing is lost on this product's transport, so the loss of the model is the
// share of played audio that was concealed, and its delay the measured one from
// mouth to ear. In an echo call that is the whole loop. Time on hold or muted
// is not to be rated.
//
// Functions are pure and safe for concurrent use, and do not allocate.
package quality

import (
	"math"
	"time"
)

const (
	// BestR is R without delay or loss: Ro - Is of G.107 with its default
	// values and an advantage factor of 0.
	BestR = 93.2
	// robustness is Bpl, how well the receiver hides losses, and equipment Ie,
	// what the codec itself costs. There is no published value for Opus, so
	// these are of G.711 with concealment (ITU-T G.113 appendix I).
	robustness = 25.1
	equipment  = 0
	// knee is the one-way delay in milliseconds from which conversation
	// suffers, and the slopes are in R a millisecond below and above it.
	knee       = 177.3
	slope      = 0.024
	extraSlope = 0.11
)

// Score is the estimated quality of a stretch of a call.
type Score struct {
	// R is the transmission rating, 0 (unusable) to BestR, and MOS the mean
	// opinion score, 1 to 4.41.
	R, MOS float64
	// DelayR and LossR are what delay and concealment take off BestR. Their sum
	// exceeds BestR - R only where R has reached 0.
	DelayR, LossR float64
	// DelayMOS and LossMOS are what they take off the MOS of BestR:
	// MOS + DelayMOS + LossMOS is MOS(BestR). The two are not independent, so
	// each is the mean of what it takes alone and what it takes on top of the
	// other.
	DelayMOS, LossMOS float64
}

// Estimate returns the quality at a one-way delay from mouth to ear and a
// percentage (0 to 100) of played samples that were concealed. Values outside
// their range count as the nearest inside, and a percentage that is no number
// as 0.
func Estimate(delay time.Duration, concealedPct float64) Score {
	id, ie := DelayImpairment(delay), LossImpairment(concealedPct)
	s := Score{
		R:      max(0, BestR-id-ie),
		DelayR: id,
		LossR:  ie,
	}
	s.MOS = MOS(s.R)
	best, delayed, lossy := MOS(BestR), MOS(BestR-id), MOS(BestR-ie)
	s.DelayMOS = ((best - delayed) + (lossy - s.MOS)) / 2
	s.LossMOS = ((best - lossy) + (delayed - s.MOS)) / 2
	return s
}

// DelayImpairment returns Id, what a one-way delay from mouth to ear takes off
// R, in the form that R. G. Cole and J. H. Rosenbluth fitted to G.107 ("Voice
// over IP performance monitoring", ACM SIGCOMM CCR 31(2), 2001):
//
//	Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3), d in ms
//
// It is a little stricter than the curve of G.107 for a call without any echo,
// which is flat up to 100 ms; in return every millisecond counts, so that it
// can be minimised, and other monitors use the same one.
func DelayImpairment(delay time.Duration) float64 {
	d := max(0, delay.Seconds()*1000)
	return slope*d + extraSlope*max(0, d-knee)
}

// LossImpairment returns Ie,eff, what a percentage (0 to 100) of concealed
// audio takes off R (G.107 with random loss, BurstR = 1):
//
//	Ie,eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl)
func LossImpairment(concealedPct float64) float64 {
	if math.IsNaN(concealedPct) {
		concealedPct = 0
	}
	p := min(max(concealedPct, 0), 100)
	return equipment + (95-equipment)*p/(p+robustness)
}

// MOS returns the mean opinion score that R stands for (G.107 annex B): 1 at
// worst, 4.5 at R = 100 and above.
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	// The polynomial dips just below 1 for R under 6.5.
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
