package diagnose

import (
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// timeline makes a moment of each second. What it gives away is never changed: it
// appends to one array behind what was given, and goes on in another when that is
// full.
type timeline struct {
	moments []callstate.Moment
	ends    time.Duration // of the running second; 0: none runs
	marks   callstate.Mark
	last    trail
}

// trail is what a mark is told by, of the look before.
type trail struct {
	stalls, resumes uint64
	reopens         uint64
	microphone, ear device
}

// look takes note of a look, and of the second that ended with it.
func (t *timeline) look(s *callstate.Snapshot, f *findings, mos float64, now time.Duration) {
	if t.ends == 0 {
		t.ends, t.last = now+time.Second, trailOf(s)
	}
	t.mark(s, f)
	if now < t.ends {
		return
	}
	m := callstate.Moment{Delay: s.Delay.MouthToEarEst, MOS: mos, Marks: t.marks}
	if s.Delay.LoopKnown {
		m.Delay = s.Delay.Loop
	}
	// Seconds in which nobody looked were like the one that ends with them, but
	// were not measured.
	for n := 0; now >= t.ends+time.Second && n < callstate.TimelineSeconds; n++ {
		t.add(callstate.Moment{Marks: t.marks})
		t.ends += time.Second
	}
	t.add(m)
	t.marks = 0
	if t.ends += time.Second; t.ends <= now {
		t.ends = now + time.Second
	}
}

func (t *timeline) mark(s *callstate.Snapshot, f *findings) {
	set := func(when bool, m callstate.Mark) {
		if when {
			t.marks |= m
		}
	}
	was, is := t.last, trailOf(s)
	t.last = is
	mic, ear := s.MicrophoneEnd.State, s.EarpieceEnd.State
	set(s.Muted, callstate.MarkMuted)
	set(s.Held, callstate.MarkHeld)
	set(is.reopens != was.reopens || is.microphone != was.microphone || is.ear != was.ear ||
		mic != callstate.EndOpen || ear != callstate.EndOpen, callstate.MarkDevice)
	quiet := f[callstate.KindDownlink].on && !f[callstate.KindDownlink].symptom
	set(is.stalls > was.stalls || quiet, callstate.MarkStall)
	set(is.resumes != was.resumes || s.State == callstate.Reconnecting || s.Link.State == callstate.LinkLost, callstate.MarkReconnect)
}

func trailOf(s *callstate.Snapshot) trail {
	return trail{
		stalls: s.Counts.Stalls, resumes: s.Link.Resumes,
		reopens:    s.MicrophoneEnd.Reopens + s.EarpieceEnd.Reopens,
		microphone: identity(s.MicrophoneOpen), ear: identity(s.EarpieceOpen),
	}
}

// device is which one is open.
type device struct{ backend, id, name string }

func identity(e *audio.Endpoint) device {
	if e == nil {
		return device{}
	}
	return device{e.Backend, e.ID, e.Name}
}

func (t *timeline) add(m callstate.Moment) {
	const most = callstate.TimelineSeconds
	kept := t.moments[max(0, len(t.moments)-(most-1)):]
	if len(kept) == cap(kept) {
		kept = append(make([]callstate.Moment, 0, 2*most), kept...)
	}
	t.moments = append(kept, m)
}
