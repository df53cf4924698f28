package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// bestMOS is what the E-model gives a call that suffers from nothing.
const bestMOS = 4.41

// rating is what the MOS is made of: what delay and concealment take off it.
type rating struct {
	st *styles
	s  *callstate.Snapshot
}

// Render implements panel.
func (r rating) Render(width int) string {
	q, narrow := r.s.Quality, width < roomy-2
	rested := ""
	switch {
	case r.s.Held:
		rested = "not rated while held"
	case r.s.Muted && !r.s.Talk.Open:
		rested = "not rated while muted"
	}
	text := r.st.dim.Render(unknown)
	switch {
	case rested != "" && q.Known:
		text = r.st.dim.Render(fmt.Sprintf("%s; %.1f est. before", rested, q.MOS))
	case rested != "":
		text = r.st.dim.Render(rested)
	case q.Known && narrow:
		text = fmt.Sprintf("est. %s delay %s concealed", less(q.DelayMOS), less(q.LossMOS))
	case q.Known:
		score, look := fmt.Sprintf("%.1f", q.MOS), r.st.strong
		if r.s.Warnings.Has(callstate.WarnMOS) {
			score, look = score+"!", r.st.warnStrong
		}
		text = r.st.dim.Render("MOS ") + look.Render(score) + r.st.dim.Render(" est.") + r.st.plain.Render(fmt.Sprintf(" (%s delay %s ms, %s concealed %s %%)",
			less(q.DelayMOS), number(q.Delay), less(q.LossMOS), percent(q.LossPct, 1))) + r.st.dim.Render(fmt.Sprintf(", R %.0f", q.R))
	}
	return detail{r.st, "Quality", "mos", text}.Render(width)
}

// less is what was taken off a score. A little is not shown as nothing.
func less(mos float64) string {
	switch {
	case mos < 0.005:
		return "-0"
	case mos < 0.05:
		return fmt.Sprintf("-%.2f", mos)
	}
	return fmt.Sprintf("-%.1f", mos)
}

// remote is how the other side hears this one, by its own report.
type remote struct {
	st *styles
	s  *callstate.Snapshot
}

// Render implements panel.
func (r remote) Render(width int) string {
	h, narrow := r.s.Remote, width < roomy-2
	text := r.st.dim.Render(unknown)
	switch {
	case r.s.MayNotSpeak: // what arrives goes no further
		text = "nothing: listen only"
	case h.Known && h.Plays && narrow:
		text = fmt.Sprintf("conc %s %% buf %.0fms jit %.0fms", percent(h.ConcealedPct, 1), h.Buffer.Seconds()*1e3, h.Jitter.Seconds()*1e3)
	case h.Known && h.Plays:
		text = fmt.Sprintf("%s %% concealed, buffer %s ms, jitter %s ms",
			percent(h.ConcealedPct, 2), number(h.Buffer), number(h.Jitter))
	case h.Known && narrow:
		text = fmt.Sprintf("%d frames, %d lost", h.Received, h.Lost)
	case h.Known:
		text = fmt.Sprintf("%d frames, %d lost, %d late", h.Received, h.Lost, h.Late)
	}
	if h.MOS > 0 && !narrow && !r.s.MayNotSpeak {
		text += fmt.Sprintf(", MOS %.1f est.", h.MOS)
	}
	return detail{r.st, "They hear", "far", r.st.plain.Render(text)}.Render(width)
}

// cleanUp is what is done to the microphone, with the keys that switch it.
type cleanUp struct {
	st   *styles
	keys *keyMap
	c    callstate.CleanUp
}

// Render implements panel.
func (c cleanUp) Render(width int) string {
	narrow := width < roomy-2
	gain := ""
	switch {
	case !c.c.Level || math.Round(c.c.Gain) == 0:
	case narrow:
		gain = fmt.Sprintf(" %+.0fdB", c.c.Gain)
	default:
		gain = fmt.Sprintf(" %+.0f dB", c.c.Gain)
	}
	noise := onOff(c.c.Denoise)
	if !c.c.CanDenoise {
		noise = "not built in"
	}
	parts := make([]string, 0, 3)
	for _, p := range []struct{ key, name, state string }{
		{c.keys.HighPass.Help().Key, c.keys.HighPass.Help().Desc, onOff(c.c.HighPass)},
		{c.keys.Denoise.Help().Key, c.keys.Denoise.Help().Desc, noise},
		{c.keys.Level.Help().Key, c.keys.Level.Help().Desc, onOff(c.c.Level) + gain},
	} {
		name := p.name
		if narrow {
			name = strings.TrimSuffix(name, "-pass")
		}
		part := c.st.key.Render(p.key) + " " + c.st.dim.Render(name) + " " + p.state
		parts = append(parts, part)
	}
	gap := "   "
	if narrow {
		gap = " "
	}
	return detail{c.st, "Clean-up", "cln", strings.Join(parts, gap)}.Render(width)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// details are all figures, of this ear and of the other side's.
type details struct {
	st   *styles
	s    *callstate.Snapshot
	most int // lines
}

// fact is a figure of both sides.
type fact struct{ name, short, here, there string }

// Render implements panel.
func (d details) Render(width int) string {
	width = min(width, longLine)
	wide, there := 25, "at the other side"
	narrow := width < roomy-2
	if narrow {
		wide, there = 8, "there"
	}
	column := (width - wide) / 2
	facts := d.facts()
	out := make([]string, 0, 1+len(facts))
	out = append(out, cut(fill(d.st.strong, "Heard", wide)+fill(d.st.strong, "here", column)+d.st.strong.Render(there), width))
	for _, f := range facts {
		name := f.name
		if narrow {
			name = f.short
		}
		here := f.here
		if f.there != "" {
			here = pad(f.here, column-1) + " "
		}
		out = append(out, cut(fill(d.st.dim, name, wide)+here+f.there, width))
	}
	return strings.Join(out[:max(0, min(d.most, len(out)))], "\n")
}

// facts are the figures of W3C webrtc-stats and ours, the most telling first.
func (d details) facts() []fact {
	t, r := d.s.Traffic, d.s.Remote
	here, there := d.s.Counts, r.Counts
	far := func(ok bool, text string) string {
		if !r.Known || !ok {
			return d.st.dim.Render(unknown)
		}
		return text
	}
	both := func(name, short string, f func(callstate.Counts) string) fact {
		return fact{name, short, f(here), far(r.Plays, f(there))}
	}
	mos := func(known bool, mos float64) string {
		if !known {
			return unknown
		}
		return fmt.Sprintf("%.2f", mos)
	}
	packets := func(received, lost, late uint64) string { return fmt.Sprintf("%d, %d, %d", received, lost, late) }
	three := func(a, b, c time.Duration) string {
		return number(a) + ", " + number(b) + ", " + number(c) + " ms"
	}
	facts := append(make([]fact, 0, 32), fact{"link; resumed, gap", "link", link(d.s.Link), reopened(d.s)})
	if by := d.s.Link.Security.KnownBy; by != "" {
		facts = append(facts, fact{"the server", "server", by, ""}, fact{"its key", "key", d.s.Link.Security.Fingerprint, ""})
	}
	return append(facts, []fact{
		{"MOS est.", "MOS e.", mos(d.s.Quality.Known, d.s.Quality.MOS), far(r.MOS > 0, mos(true, r.MOS))},
		{"mouth to ear est.", "m2e est", number(d.s.Delay.MouthToEarEst) + " ms", far(r.MouthToEarEst > 0, number(r.MouthToEarEst)+" ms")},
		{"received, lost, late", "packets", packets(t.Received, t.Lost, t.Late), far(true, packets(r.Received, r.Lost, r.Late))},
		both("dropped by sender", "dropped", func(c callstate.Counts) string { return fmt.Sprint(c.SenderDropped) }),
		{"jitter", "jitter", number(d.s.Delay.Jitter) + " ms", far(r.Plays, number(r.Jitter)+" ms")},
		{"buffer, its target", "buffer", number(d.s.Delay.Buffer) + ", " + number(d.s.Delay.Target) + " ms", far(r.Plays, number(r.Buffer)+", "+number(r.Target)+" ms")},
		both("means, and least needed", "means", func(c callstate.Counts) string { return three(c.BufferMean, c.TargetMean, c.MinimumMean) }),
		both("late arrival, mean", "arrival", func(c callstate.Counts) string { return number(c.ArrivalMean) + " ms" }),
		{"concealed", "conceal", percent(t.ConcealedPct, 2) + " %, " + lasting(here.Concealed), far(r.Plays, percent(r.ConcealedPct, 2)+" %, "+lasting(there.Concealed))},
		both("of it silent; events", "silent", func(c callstate.Counts) string {
			return fmt.Sprintf("%s; %d", lasting(c.SilentConcealed), c.ConcealmentEvents)
		}),
		both("interruptions", "gaps", func(c callstate.Counts) string { return times(c.Interruptions, c.InterruptionDuration) }),
		both("stalls; outages", "stalls", func(c callstate.Counts) string {
			return fmt.Sprintf("%s; %d", times(c.Stalls, c.StallDuration), c.Outages)
		}),
		{"live again after", "live in", number(here.BackToLive) + " ms, " + fmt.Sprintf("%d in 500 ms", here.Quick), far(false, "")},
		both("slowed, hurried, skipped", "scaled", func(c callstate.Counts) string {
			return lasting(c.Inserted) + ", " + lasting(c.Removed) + ", " + lasting(c.Skipped)
		}),
		both("announced silence", "silence", func(c callstate.Counts) string { return lasting(c.DTX) }),
		both("clock drift", "drift", func(c callstate.Counts) string { return fmt.Sprintf("%+.0f ppm", c.ClockDriftPPM) }),
		both("underruns, overruns", "device", func(c callstate.Counts) string {
			return fmt.Sprintf("%d, %s", c.Underruns, lasting(c.Overruns))
		}),
		both("limited for the ear", "limited", func(c callstate.Counts) string { return lasting(c.EarLimited) }),
	}...)
}

// lasting is how long that many samples are.
func lasting(samples uint64) string {
	switch {
	case samples == 0:
		return "0"
	case samples < 10*audio.Rate:
		return lostTime(samples) + " ms"
	}
	return fmt.Sprintf("%d s", samples/audio.Rate)
}

// times is how often something happened, and for how long in all.
func times(n uint64, d time.Duration) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d, %s ms", n, number(d))
}
