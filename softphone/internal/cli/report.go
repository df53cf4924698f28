package cli

import (
	"fmt"
	"io"
	"strings"

	"callcenter/softphone/internal/call"
)

// writeReport prints a report for people.
func writeReport(w io.Writer, r call.Report) error {
	loop := "not measured (only in echo calls, with sound)"
	if r.LoopMS != nil {
		loop = fmt.Sprintf("%s / %s ms (p50/p95)", whole(r.LoopMS.P50), whole(r.LoopMS.P95))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `call to %s, %.1f s, %s %d ms, %s
frames      sent %d, received %d, lost %d, dropped %d, concealed %.2f %%
round trip  %s / %s / %s ms (p50/p95/max), jitter %.1f ms
buffer      mean %s, p95 %s, target %s ms
delay       mouth to ear %s ms est., loop %s
quality     %s
`,
		r.Destination, r.DurationS, r.Codec, r.FrameMS, r.Ended,
		r.Sent, r.Received, r.Lost, r.Dropped, r.ConcealedPct,
		whole(r.RTTMS.P50), whole(r.RTTMS.P95), whole(r.RTTMS.Max), r.JitterMS,
		whole(r.BufferMS.Mean), whole(r.BufferMS.P95), whole(r.BufferMS.Target),
		whole(r.MouthToEarEstMS), loop, rating(r))
	if r.Reconnects > 0 || r.GapS > 0 {
		fmt.Fprintf(&b, "link        %d reconnects, %.1f s without a connection that works\n", r.Reconnects, r.GapS)
	}
	if r.Remote != nil {
		fmt.Fprintf(&b, "other side  %s\n", remote(r.Remote))
	}
	if r.Stats != nil && r.Stats.EarLimitedSamples > 0 {
		fmt.Fprintf(&b, "earpiece    %d samples turned down by its protection\n", r.Stats.EarLimitedSamples)
	}
	if s := r.MicSilence; s != nil && s.Zeros+s.Flat+s.Stalled > 0 {
		fmt.Fprintf(&b, "microphone  silent: exact zeros %.1f s, flat level %.1f s, brought nothing %.1f s\n", s.Zeros, s.Flat, s.Stalled)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// whole is a figure without decimals, or a dash.
func whole(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f", *v)
}

// rating is the MOS with what was taken off it.
func rating(r call.Report) string {
	if r.MOSEst == nil || r.Rating == nil {
		return "MOS – est."
	}
	return fmt.Sprintf("MOS %.1f est. (-%.1f delay %.0f ms, -%.1f concealed %.1f %%)",
		*r.MOSEst, r.Rating.MOSDelay, r.Rating.DelayMS, r.Rating.MOSLoss, r.Rating.LossPct)
}

// remote is how the other side hears us.
func remote(r *call.Remote) string {
	text := fmt.Sprintf("received %d, lost %d", r.Received, r.Lost)
	if r.ConcealedPct != nil {
		text += fmt.Sprintf(", concealed %.2f %%, buffer %s ms, jitter %s ms", *r.ConcealedPct, whole(r.BufferMS), whole(r.JitterMS))
	}
	if r.MOSEst != nil {
		text += fmt.Sprintf(", MOS %.1f est.", *r.MOSEst)
	}
	return text
}
