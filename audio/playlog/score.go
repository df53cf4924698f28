package playlog

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	"callcenter/audio"
	"callcenter/audio/quality"
)

const (
	// restMS is what mouth to ear takes outside network and buffer, in ms.
	restMS = 75.0
	// interruption is how long a made-up run must be to count as one, samples.
	interruption = 150 * audio.Rate / 1000
	// A stall is a gap between arrivals so much longer than between sendings; it
	// is over when the delay stays within calmMS of what it was before, for
	// calmLines lines.
	stallUS   = 80_000
	beforeUS  = 2_000_000
	calmMS    = 40.0
	calmLines = 20
	// A packet is found where one of the log's positions is this near to it.
	nearBeforeUS, nearAfterUS = 700, 20_000
	// tailUS at the end are not looked at for skipped packets.
	tailUS = 1_000_000
	// penalty is what a percent of concealment costs in Cost, in ms.
	penalty = 20.0
)

// ErrNothingPlayed means that a play log has no sound of the trace.
var ErrNothingPlayed = errors.New("nothing of the trace was played")

// Figures tell how good a play log is. Delays are in ms, of the playout above
// the fastest packet of the trace; shares are in percent; all are rounded to
// two places.
type Figures struct {
	MeanMS float64 `json:"mean_added_ms"`
	P50MS  float64 `json:"p50"`
	P95MS  float64 `json:"p95"`
	P99MS  float64 `json:"p99"`
	MaxMS  float64 `json:"max"`

	// How long packets waited from arrival to their first sample.
	MeanWaitMS float64 `json:"mean_wait_ms"`
	WaitP95MS  float64 `json:"wait_p95"`

	ConcealedPct  float64 `json:"concealed_pct"`
	TraceLossPct  float64 `json:"trace_loss_pct"` // of it was never sent
	Events        int     `json:"events"`
	Interruptions int     `json:"interruptions150"` // of 150 ms and more
	InsertedPct   float64 `json:"inserted_pct"`
	RemovedPct    float64 `json:"removed_pct"`
	ComfortPct    float64 `json:"cng_pct"`
	SkippedPct    float64 `json:"skipped_pkts_pct"`

	// After a stall, how long until the delay is back to what it was, and how
	// far above that it went.
	Stalls         int     `json:"stalls"`
	TTLMeanMS      float64 `json:"ttl_mean_ms"`
	TTLMaxMS       float64 `json:"ttl_max_ms"`
	OvershootMaxMS float64 `json:"overshoot_max_ms"`

	// R and MOS by the E-model, and what delay and concealment take off R.
	R      float64 `json:"R"`
	MOS    float64 `json:"MOS"`
	DelayR float64 `json:"delay_r"`
	LossR  float64 `json:"loss_r"`
	// CostMS is the mean delay and 20 ms for each percent concealed beyond what
	// was never sent: a figure that no buffer here was made to be best at.
	CostMS float64 `json:"cost"`
}

// heard is a line that begins with real audio: delay in ms, time of playing.
type heard struct {
	delay float64
	at    int64
}

// Score compares a play log with the trace that it was made from. The log
// counts from its first real audio to the last arrival.
func Score(packets []Packet, log []Line) (Figures, error) {
	var f Figures
	first := slices.IndexFunc(log, func(l Line) bool { return l.MediaUS >= 0 })
	if len(packets) == 0 || first < 0 {
		return f, ErrNothingPlayed
	}
	arrivals := slices.Clone(packets)
	slices.SortStableFunc(arrivals, func(a, b Packet) int { return cmp.Compare(a.ArriveUS, b.ArriveUS) })
	least, end := int64(math.MaxInt64), arrivals[len(arrivals)-1].ArriveUS
	for _, p := range arrivals {
		least = min(least, p.ArriveUS-p.SendUS)
	}
	var lines []Line
	for _, l := range log[first:] {
		if l.PlayUS <= end {
			lines = append(lines, l)
		}
	}
	var played []heard
	for _, l := range lines {
		if l.MediaUS >= 0 {
			played = append(played, heard{float64(l.PlayUS-l.MediaUS-least) / 1000, l.PlayUS})
		}
	}
	if len(played) == 0 {
		return f, ErrNothingPlayed
	}
	mean := f.delays(played)
	f.loss(arrivals)
	concealed := f.samples(lines)
	f.waits(arrivals, lines, end)
	f.stalls(arrivals, played, end)
	f.rate(played, float64(least)/1000, concealed)
	f.CostMS = round(mean + penalty*max(0, f.ConcealedPct-f.TraceLossPct))
	f.TraceLossPct = round(f.TraceLossPct)
	return f, nil
}

// delays fills in the spread of the delay and returns its mean.
func (f *Figures) delays(played []heard) float64 {
	sorted := make([]float64, 0, len(played))
	sum := 0.0
	for _, h := range played {
		sorted = append(sorted, h.delay)
	}
	slices.Sort(sorted)
	for _, d := range sorted {
		sum += d
	}
	mean := sum / float64(len(sorted))
	f.MeanMS = round(mean)
	f.P50MS, f.P95MS, f.P99MS = quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)
	f.MaxMS = round(sorted[len(sorted)-1])
	return mean
}

// loss fills in, not yet rounded, how much of the trace is missing.
func (f *Figures) loss(arrivals []Packet) {
	seen := make([]int64, 0, len(arrivals))
	for _, p := range arrivals {
		seen = append(seen, p.Seq)
	}
	slices.Sort(seen)
	seen = slices.Compact(seen)
	span := seen[len(seen)-1] - seen[0] + 1
	f.TraceLossPct = 100 * (1 - float64(len(seen))/float64(span))
}

// samples fills in what became of the samples and returns the share that was
// made up, in percent.
func (f *Figures) samples(lines []Line) float64 {
	var total, concealed, inserted, removed, comfort, run int
	for _, l := range lines {
		total += int(l.Samples)
		concealed += int(l.Concealed)
		inserted += int(l.Inserted)
		removed += int(l.Removed)
		if l.Kind == Comfort {
			comfort += int(l.Samples)
		}
		if 2*l.Concealed >= l.Samples {
			if run == 0 {
				f.Events++
			}
			run += int(l.Samples)
			continue
		}
		if run >= interruption {
			f.Interruptions++
		}
		run = 0
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(max(1, total)) }
	f.ConcealedPct, f.InsertedPct = round(share(concealed)), round(share(inserted))
	f.RemovedPct, f.ComfortPct = round(share(removed)), round(share(comfort))
	return share(concealed)
}

// waits fills in how long packets waited, and how many were never played.
func (f *Figures) waits(arrivals []Packet, lines []Line, end int64) {
	type place struct{ media, play int64 }
	places := make([]place, 0, len(lines))
	for _, l := range lines {
		if l.MediaUS >= 0 {
			places = append(places, place{l.MediaUS, l.PlayUS})
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.media, b.media), cmp.Compare(a.play, b.play))
	})
	waits := make([]float64, 0, len(arrivals))
	skipped := 0
	for _, p := range arrivals {
		if p.ArriveUS > end-tailUS {
			continue
		}
		i := sort.Search(len(places), func(i int) bool { return places[i].media >= p.SendUS-nearBeforeUS })
		if i == len(places) || places[i].media >= p.SendUS+nearAfterUS {
			skipped++
			continue
		}
		waits = append(waits, float64(places[i].play-p.ArriveUS-(places[i].media-p.SendUS))/1000)
	}
	slices.Sort(waits)
	sum := 0.0
	for _, w := range waits {
		sum += w
	}
	f.MeanWaitMS, f.WaitP95MS = round(sum/float64(max(1, len(waits)))), quantile(waits, 0.95)
	f.SkippedPct = round(100 * float64(skipped) / float64(len(arrivals)))
}

// stalls fills in how soon the delay was back after each stall.
func (f *Figures) stalls(arrivals []Packet, played []heard, end int64) {
	type stall struct{ from, to int64 }
	var found []stall
	for i := range len(arrivals) - 1 {
		a, b := arrivals[i], arrivals[i+1]
		if (b.ArriveUS-a.ArriveUS)-(b.SendUS-a.SendUS) >= stallUS {
			found = append(found, stall{a.ArriveUS, b.ArriveUS})
		}
	}
	f.Stalls = len(found)
	var sum float64
	rated := 0
	for i, s := range found {
		limit := end
		if i+1 < len(found) {
			limit = found[i+1].from
		}
		back, over, ok := recovery(played, s.from, s.to, limit)
		if !ok {
			continue
		}
		rated++
		sum += back
		f.TTLMaxMS = max(f.TTLMaxMS, back)
		f.OvershootMaxMS = max(f.OvershootMaxMS, over)
	}
	f.TTLMeanMS = round(sum / float64(max(1, rated)))
	f.TTLMaxMS, f.OvershootMaxMS = round(f.TTLMaxMS), round(f.OvershootMaxMS)
}

// recovery returns, in ms, how long after a stall the delay was back to its
// median of the two seconds before, at most until limit, and how far above that
// it went meanwhile. It is false where nothing was played before.
func recovery(played []heard, from, to, limit int64) (back, over float64, ok bool) {
	search := func(at int64) int {
		return sort.Search(len(played), func(i int) bool { return played[i].at >= at })
	}
	earlier := played[search(from-beforeUS):search(from)]
	if len(earlier) == 0 {
		return 0, 0, false
	}
	before := make([]float64, 0, len(earlier))
	for _, h := range earlier {
		before = append(before, h.delay)
	}
	slices.Sort(before)
	usual := before[len(before)/2]
	high := func(h heard) bool { return h.delay > usual+calmMS }
	for i := search(to); i < len(played) && played[i].at < limit; i++ {
		over = max(over, played[i].delay-usual)
		if !slices.ContainsFunc(played[i:min(i+calmLines, len(played))], high) {
			limit = played[i].at
			break
		}
	}
	return float64(limit-to) / 1000, over, true
}

// rate fills in R and MOS, for a network that takes least ms one way.
func (f *Figures) rate(played []heard, least, concealed float64) {
	var sum float64
	for _, h := range played {
		d := restMS + least + h.delay
		sum += quality.DelayImpairment(time.Duration(math.Round(d * float64(time.Millisecond))))
	}
	delay := sum / float64(len(played))
	loss := quality.LossImpairment(concealed)
	r := quality.BestR - delay - loss
	f.R, f.MOS = round(r), round(quality.MOS(r))
	f.DelayR, f.LossR = round(delay), round(loss)
}

// quantile returns, rounded, the value below which the share q of sorted is.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return round(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))])
}

// round rounds to two decimal places by the exact value, half to even.
func round(x float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 2, 64), 64)
	if err != nil {
		return x
	}
	return r
}
