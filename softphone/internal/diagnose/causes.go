package diagnose

import (
	"fmt"
	"math"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// kinds is how many kinds of trouble there are.
const kinds = int(callstate.KindQuality) + 1

// finding is a trouble of one kind at this moment.
type finding struct {
	on      bool
	fact    bool   // known by itself, and told when it is over
	symptom bool   // it may follow from another, which shows later
	text    string // what is the matter
	effect  string // what that means
	over    string // what it meant, once it is over
	grave   bool
}

// findings are those of a look, by kind.
type findings [kinds]finding

const (
	unheard  = "nobody hears you"
	deaf     = "you hear nothing"
	theyMiss = "they hear gaps"
	youMiss  = "you hear gaps"

	theyMissed = "over, they heard a gap"
	youMissed  = "over, you heard a gap"
	over       = "over"
)

// find collects what is wrong now.
func (w *Watch) find(s *callstate.Snapshot, now, late time.Duration) (f findings) {
	settled := now-w.connected >= settling
	f[callstate.KindServerGone] = lost(s)
	f[callstate.KindMicrophone] = microphone(s, late > lateLook)
	f[callstate.KindEarpiece] = earpiece(s)
	f[callstate.KindComputer] = w.computer(s, late)
	f[callstate.KindServer] = w.serving(s, now)
	if late <= lateLook { // or what came meanwhile may not have been read yet
		f[callstate.KindUplink] = w.uplink(s, now, settled)
		f[callstate.KindDownlink] = w.downlink(s, now, settled)
	}
	if settled {
		f[callstate.KindUnderruns] = w.underruns(s)
	}
	if s.MayNotSpeak { // nobody misses what nobody would hear
		f[callstate.KindMicrophone], f[callstate.KindUplink] = finding{}, finding{}
	}
	return f
}

// lost is a call without a connection.
func lost(s *callstate.Snapshot) (f finding) {
	if s.State != callstate.Reconnecting && s.Link.State != callstate.LinkLost {
		return f
	}
	f = finding{on: true, fact: true, grave: true, effect: unheard + ", " + deaf, over: over}
	f.text = "server cannot be reached " + span(s.Link.Quiet)
	if s.Link.GiveUpIn > 0 {
		f.text += fmt.Sprintf(", %.0f s left", math.Ceil(s.Link.GiveUpIn.Seconds()))
	}
	return f
}

// microphone is one that is gone, stalled or silent. What a program that did not
// run has not heard is no fault of the microphone, and of a call that is held it
// need not bring anything.
func microphone(s *callstate.Snapshot, late bool) (f finding) {
	f = finding{on: true, fact: true, effect: unheard, over: over}
	silence := s.Silence
	if s.Held || late && silence == callstate.NoCallbacks {
		silence = callstate.NoSilence
	}
	switch end := s.MicrophoneEnd; {
	case end.State == callstate.EndGone:
		f.grave, f.text = true, "microphone gone "+span(end.Since)
	case end.State == callstate.EndStalled:
		f.text = "microphone stalled " + span(end.Since)
	case silence == callstate.ExactZeros:
		f.text = "microphone silent " + span(s.SilentFor)
		f.effect = unheard + ", exact zeros: headset muted?"
	case silence == callstate.FlatLevel:
		f.text = "microphone silent " + span(s.SilentFor)
		f.effect = unheard + ", a flat level: a loose plug?"
	case silence == callstate.NoCallbacks:
		f.text = "microphone brings nothing " + span(s.SilentFor)
	default:
		return finding{}
	}
	return f
}

// earpiece is one that is gone or stalled.
func earpiece(s *callstate.Snapshot) (f finding) {
	f = finding{on: true, fact: true, effect: deaf, over: over}
	switch end := s.EarpieceEnd; end.State {
	case callstate.EndGone:
		f.grave, f.text = true, "earpiece gone "+span(end.Since)
	case callstate.EndStalled:
		f.text = "earpiece stalled " + span(end.Since)
	case callstate.EndOpen:
		return finding{}
	}
	return f
}

const (
	// lateSound is how late this program may be with a sound card's callback: the
	// far end's buffer and the earpiece's reserve bear less.
	lateSound = 60 * time.Millisecond
	// lateCalls are as many callbacks within lateSpan that came so late that
	// sound was missing. One by itself is not worth a word.
	lateCalls = 2
	lateSpan  = 5 * time.Second
)

// computer is one that does not get to what it has to do in time.
func (w *Watch) computer(s *callstate.Snapshot, late time.Duration) (f finding) {
	h := &s.Health
	f.text, f.over = "this computer is late", "over, there were gaps"
	mic, ear := h.MicrophoneLate > lateSound, h.EarpieceLate > lateSound
	switch {
	case late > lateLook:
		f.effect = "both sides hear gaps"
	case mic && ear:
		f.effect = "both sides hear gaps"
	case mic:
		f.effect, f.over = theyMiss, theyMissed
	case ear:
		f.effect, f.over = youMiss, youMissed
	case w.past.change(lateSpan).lateCallbacks >= lateCalls:
		f.effect = "gaps are heard"
	default:
		return finding{}
	}
	f.on = true
	if worst := max(late, h.MicrophoneLate, h.EarpieceLate); worst > lateSound {
		f.text += " " + span(worst)
	}
	return f
}

const (
	// ackInterval is how long the server may take to acknowledge, by contract,
	// and waits is how much longer a frame may be on its way, beyond the round
	// trip, before the far end misses it.
	ackInterval = 60 * time.Millisecond
	waits       = 200 * time.Millisecond
	// long is a hold-up that nobody takes for a gap.
	long = 500 * time.Millisecond
	// reread is how long after a silence of the server its acknowledgements are
	// still old ones.
	reread = 500 * time.Millisecond
	// missed is the share of a direction, in percent, whose making up is heard,
	// and missedSpan the time in which it is counted.
	missed     = 5.0
	missedSpan = 4 * time.Second
)

// uplink is what is said and does not arrive.
func (w *Watch) uplink(s *callstate.Snapshot, now time.Duration, settled bool) (f finding) {
	h := &s.Health
	told := h.Acknowledges || s.Delay.RTTKnown
	spent := h.Unheard - s.Delay.RTT - ackInterval - h.MicrophoneLate
	if told && spent > waits && !w.isQuiet(s) && now-w.stalled > reread {
		f = finding{on: true, text: "uplink stalled " + span(h.Unheard), effect: theyMiss, over: theyMissed}
		if h.Unheard >= long {
			f.effect = unheard
		}
		if s.Muted || s.Held { // nothing is said
			f.effect, f.over = "", over
		}
		return f
	}
	if !settled || !s.Remote.Plays || s.Muted || s.Held {
		return f
	}
	c := w.past.change(missedSpan)
	if pct := portion(c.remoteMadeUp, c.at); c.at >= missedSpan/2 && pct >= missed {
		f = finding{on: true, symptom: true, effect: theyMiss, over: theyMissed}
		f.text = fmt.Sprintf("uplink: %.0f %% of what you say is missing", pct)
	}
	return f
}

// portion is a count of samples in percent of a time.
func portion(samples uint64, of time.Duration) float64 {
	all := of.Seconds() * audio.Rate
	if all <= 0 {
		return 0
	}
	return min(100*float64(samples)/all, 100)
}

// liveness is how long a server may be silent, by contract.
const liveness = 200 * time.Millisecond

// isQuiet reports that nothing comes from the server.
func (w *Watch) isQuiet(s *callstate.Snapshot) bool {
	return s.Health.Quiet > liveness+waits+s.Delay.Jitter
}

// downlink is what does not come, or comes with gaps.
func (w *Watch) downlink(s *callstate.Snapshot, now time.Duration, settled bool) (f finding) {
	if w.isQuiet(s) {
		w.stalled = now
		f = finding{on: true, text: "downlink stalled " + span(s.Health.Quiet), effect: deaf, over: youMissed}
		if s.Link.State == callstate.LinkProblem {
			f.effect = deaf + ", perhaps " + unheard
		}
		return f
	}
	if !settled || s.Held || now-w.stalled < missedSpan+time.Second {
		return f
	}
	c := w.past.change(missedSpan)
	if pct := portion(c.concealed, c.at); c.at >= missedSpan/2 && pct >= missed {
		f = finding{on: true, symptom: true, effect: youMiss, over: youMissed}
		f.text = fmt.Sprintf("downlink: %.0f %% is missing", pct)
	}
	return f
}

const (
	// A server is busy when it holds what it sends for so much longer than it
	// usually does, or for so long at all. A room holds all it mixes as long as
	// the worst network among its members wants.
	busier, roomBusier = 50 * time.Millisecond, 120 * time.Millisecond
	busyAt, roomBusyAt = 60 * time.Millisecond, 500 * time.Millisecond
	// busyLooks is for how many looks that must last.
	busyLooks = 2
	// unplayable are as many frames within unplayableSpan that are no audio.
	unplayable     = 3
	unplayableSpan = 4 * time.Second
)

// serving is a server that is about to end, slow, or sends what is no audio.
func (w *Watch) serving(s *callstate.Snapshot, now time.Duration) (f finding) {
	took := s.Health.ServerTime
	if took > 0 {
		w.server.add(took, now)
	}
	if s.Link.Draining {
		return finding{on: true, fact: true, text: "the server is about to end", effect: "the call moves, or comes back", over: over}
	}
	if c := w.past.change(unplayableSpan); c.unplayable >= unplayable {
		f = finding{on: true, effect: youMiss, over: youMissed}
		f.text = fmt.Sprintf("server sends what cannot be played, %d packets in %.0f s", c.unplayable, max(1, c.at.Seconds()))
		return f
	}
	margin, limit := busier, busyAt
	if s.InRoom() {
		margin, limit = roomBusier, roomBusyAt
	}
	if w.server.known() {
		limit = min(limit, w.server.median+margin)
	}
	if w.busy >= busyLooks { // it is, until it clearly is not
		limit -= margin / 2
	}
	if took <= limit {
		w.busy = 0
		return f
	}
	if w.busy++; w.busy < busyLooks {
		return f
	}
	f = finding{on: true, effect: "you hear all of it later", over: over}
	f.text = "server busy, it takes " + span(took)
	if w.server.known() && w.server.median < took/2 {
		f.text += fmt.Sprintf(" (usually %d ms)", w.server.median.Milliseconds())
	}
	return f
}

const (
	// dryTimes and drySamples are how often within drySpan the earpiece ran dry,
	// or of how much: one short hole by itself is not worth a word.
	dryTimes   = 2
	drySamples = 40 * audio.Rate / 1000
	drySpan    = 4 * time.Second
)

// underruns is an earpiece that runs dry.
func (w *Watch) underruns(s *callstate.Snapshot) (f finding) {
	c := w.past.change(drySpan)
	if s.EarpieceEnd.State != callstate.EndOpen || c.underruns < dryTimes && c.underrunSamples < drySamples {
		return f
	}
	f = finding{on: true, symptom: true, effect: youMiss, over: youMissed}
	f.text = fmt.Sprintf("speaker underruns, %d in %.0f s", max(c.underruns, 1), c.at.Seconds())
	return f
}
