package plain

import (
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

// nothingYet says that there are no figures, if that is so.
func nothingYet(s *callstate.Snapshot) []string {
	if s.State == callstate.Idle && s.Duration == 0 || s.State == callstate.Dialing {
		return []string{"There are no figures yet: dial."}
	}
	return nil
}

// delayLines are where the delay goes, stage by stage, and the last minutes.
func delayLines(s *callstate.Snapshot) []string {
	if none := nothingYet(s); none != nil {
		return none
	}
	var out []string
	d := s.Delay
	if d.LoopKnown {
		out = append(out, "The loop, there and back: "+ms(d.Loop)+", measured.")
	}
	if d.MouthToEarEst > 0 {
		out = append(out, "From mouth to ear: "+ms(d.MouthToEarEst)+", estimated. It is made of:")
		for _, st := range d.Stages {
			out = append(out, fmt.Sprintf("%s: %s, %s.", capital(name(st.Name)), ms(st.Delay), either(st.Measured, "measured", "estimated")))
		}
	}
	if d.RTTKnown {
		out = append(out, "Round trip to the server: "+ms(d.RTT)+poor(s, callstate.WarnRoundTrip)+".")
	}
	if len(out) == 0 {
		out = append(out, "The delay is not known yet.")
	}
	return append(out, timelineLines(s.Timeline)...)
}

// timelineLines are the last minutes.
func timelineLines(moments []callstate.Moment) []string {
	var least, most time.Duration
	worst, counts := 0.0, [8]int{}
	for _, m := range moments {
		if m.Delay > 0 {
			most = max(most, m.Delay)
			if least == 0 || m.Delay < least {
				least = m.Delay
			}
		}
		if m.MOS > 0 && (worst == 0 || m.MOS < worst) {
			worst = m.MOS
		}
		for bit := range counts {
			if m.Marks>>bit&1 != 0 {
				counts[bit]++
			}
		}
	}
	if len(moments) == 0 || most == 0 {
		return nil
	}
	text := fmt.Sprintf("In the last %s: delay %s to %s", lasted(time.Duration(len(moments))*time.Second), ms(least), ms(most))
	if worst > 0 {
		text += fmt.Sprintf(", worst second MOS %.1f estimated", worst)
	}
	for bit, what := range []string{"muted", "held", "with a device changed", "stalled", "reconnecting"} {
		if counts[bit] > 0 {
			text += fmt.Sprintf(", %d s %s", counts[bit], what)
		}
	}
	return []string{text + "."}
}

// poor marks a figure that is beyond its threshold.
func poor(s *callstate.Snapshot, w callstate.Warnings) string {
	return either(s.Warnings.Has(w), ", which hurts the conversation", "")
}

// qualityLines are how good the call is, here and there.
func qualityLines(s *callstate.Snapshot) []string {
	if none := nothingYet(s); none != nil {
		return none
	}
	out := make([]string, 0, 8)
	q := s.Quality
	switch {
	case s.Held:
		out = append(out, "The call is not rated while it is held.")
	case s.Muted && !s.Talk.Open:
		out = append(out, "The call is not rated while you are muted.")
	}
	if q.Known {
		out = append(out, fmt.Sprintf("MOS %.1f of 4.4, estimated%s: the delay of %s takes %.2f off, %s made up takes %.2f.",
			q.MOS, poor(s, callstate.WarnMOS), ms(q.Delay), q.DelayMOS, percent(q.LossPct), q.LossMOS))
	} else {
		out = append(out, "The call is not rated yet.")
	}
	t := s.Traffic
	if t.Received > 0 {
		out = append(out,
			fmt.Sprintf("Of what you hear %s is made up%s; lost %d, dropped %d, late %d, of %d frames.",
				percent(t.ConcealedPct), poor(s, callstate.WarnLoss), t.Lost, t.Dropped, t.Late, t.Received+t.Lost+t.Dropped),
			fmt.Sprintf("Jitter %s%s; the buffer holds %s and aims at %s.", ms(s.Delay.Jitter), poor(s, callstate.WarnJitter), ms(s.Delay.Buffer), ms(s.Delay.Target)))
	}
	if s.MayNotSpeak {
		return append(out, "They hear nothing of you: your token does not let you speak.")
	}
	return append(out, theyHear(s.Remote))
}

// theyHear is how the other side hears this one, by its own report.
func theyHear(r callstate.Remote) string {
	switch {
	case !r.Known:
		return "The other side has not reported how it hears you."
	case !r.Plays:
		return fmt.Sprintf("They have %d frames of yours, %d lost, %d late.", r.Received, r.Lost, r.Late)
	}
	text := fmt.Sprintf("They hear you with %s made up, jitter %s, buffer %s", percent(r.ConcealedPct), ms(r.Jitter), ms(r.Buffer))
	if r.MOS > 0 {
		text += fmt.Sprintf(", MOS %.1f estimated", r.MOS)
	}
	return text + "."
}

// detailLines are every figure of both sides, a name to a line.
func detailLines(s *callstate.Snapshot) []string {
	if none := nothingYet(s); none != nil {
		return none
	}
	t, r, d, q := s.Traffic, s.Remote, s.Delay, s.Quality
	unknown := "not known"
	far := func(ok bool, text string) string { return "; there " + either(r.Known && ok, text, unknown) + "." }
	mos := func(ok bool, m float64) string { return either(ok, fmt.Sprintf("%.2f estimated", m), unknown) }
	packets := func(received, lost, late uint64) string {
		return fmt.Sprintf("%d, %d lost, %d late", received, lost, late)
	}
	out := []string{
		"MOS: here " + mos(q.Known, q.MOS) + far(r.MOS > 0, mos(true, r.MOS)),
		"Mouth to ear, estimated: here " + ms(d.MouthToEarEst) + far(r.MouthToEarEst > 0, ms(r.MouthToEarEst)),
		fmt.Sprintf("Frames sent: %d.", t.Sent),
		"Frames received: here " + packets(t.Received, t.Lost, t.Late) + far(true, packets(r.Received, r.Lost, r.Late)),
		"Jitter: here " + ms(d.Jitter) + far(r.Plays, ms(r.Jitter)),
		"Buffer: here " + ms(d.Buffer) + ", aims at " + ms(d.Target) + far(r.Plays, ms(r.Buffer)+", aims at "+ms(r.Target)),
		"Made up: here " + percent(t.ConcealedPct) + far(r.Plays, percent(r.ConcealedPct)),
	}
	for _, f := range countFacts() {
		out = append(out, f.name+": here "+f.of(&s.Counts)+far(r.Plays, f.of(&r.Counts)))
	}
	return append(out, fmt.Sprintf("Live again after the last stall: in %s; %d of the stalls in 500 ms at most.", ms(s.Counts.BackToLive), s.Counts.Quick))
}

// countFact is a figure that both sides count.
type countFact struct {
	name string
	of   func(*callstate.Counts) string
}

func countFacts() []countFact {
	type c = *callstate.Counts
	often := func(n uint64, d time.Duration) string { return fmt.Sprintf("%d, %s in all", n, ms(d)) }
	return []countFact{
		{"Made up, in all", func(c c) string {
			return fmt.Sprintf("%s, %s of it silent, in %d events", samples(c.Concealed), samples(c.SilentConcealed), c.ConcealmentEvents)
		}},
		{"Interruptions", func(c c) string { return often(c.Interruptions, c.InterruptionDuration) }},
		{"Stalls", func(c c) string { return often(c.Stalls, c.StallDuration) }},
		{"Outages", func(c c) string { return fmt.Sprint(c.Outages) }},
		{"Dropped by the sender, frames", func(c c) string { return fmt.Sprint(c.SenderDropped) }},
		{"Slowed, hurried, skipped", func(c c) string {
			return samples(c.Inserted) + ", " + samples(c.Removed) + ", " + samples(c.Skipped)
		}},
		{"Announced silence", func(c c) string { return samples(c.DTX) }},
		{"Means of buffer, target, least needed", func(c c) string { return ms(c.BufferMean) + ", " + ms(c.TargetMean) + ", " + ms(c.MinimumMean) }},
		{"Late arrival, mean", func(c c) string { return ms(c.ArrivalMean) }},
		{"Clock drift", func(c c) string { return fmt.Sprintf("%+.0f ppm", c.ClockDriftPPM) }},
		{"Underruns, overruns", func(c c) string { return fmt.Sprintf("%d, %s", c.Underruns, samples(c.Overruns)) }},
		{"Limited for the ear", func(c c) string { return samples(c.EarLimited) }},
	}
}
