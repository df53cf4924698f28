package plain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// listen is how long microphones are listened to before they are listed.
	listen = 1500 * time.Millisecond
	// benchLimit is how long the devices may take for what is asked, and play on.
	benchLimit = 12 * time.Second
	// chosenFor is how long the bench stays open after a choice, for a device that
	// has to be given to the call.
	chosenFor = 300 * time.Millisecond
)

// job is what the bench is open for.
type job int

const (
	jobNone job = iota
	jobList
	jobUse
	jobTone
	jobRecord
)

// benchJob is what goes on at the bench, which is open as long as that takes and
// no longer: no microphone is live for a list that was read.
type benchJob struct {
	job    job
	device callstate.BenchDevice // that it is about
	until  time.Time
	ready  time.Time // list: when it is told; use: when the bench is closed
	asked  bool      // the bench was asked for what is to be done
	seen   bool      // and does it
	played bool      // the recording is being played

	microphones, earpieces []callstate.BenchDevice // as listed
}

func (b *benchJob) busy() bool { return b.job != jobNone }

// begin opens the bench, if that can be.
func (b *benchJob) begin(s *session, what job, d callstate.BenchDevice) {
	switch {
	case s.opts.Bench == nil:
		s.say("The devices cannot be tried here.")
		return
	case b.busy():
		s.say("The devices are busy with what you asked before: type it again in a moment.")
		return
	}
	b.job, b.device, b.until = what, d, time.Now().Add(benchLimit)
	b.ready, b.asked, b.seen, b.played = time.Time{}, false, false, false
	s.opts.Bench.Begin()
}

// end closes it.
func (b *benchJob) end(s *session) {
	if b.busy() {
		b.job = jobNone
		s.opts.Bench.End()
	}
}

// look goes on with what goes on.
func (b *benchJob) look(s *session) {
	if !b.busy() {
		return
	}
	st := s.opts.Bench.State()
	now := time.Now()
	switch {
	case st.Err != "":
		s.say("Error: %s", sentence(st.Err))
		b.end(s)
	case !now.Before(b.until):
		s.say("Error: the devices did not answer within %s.", callstate.Spell(benchLimit))
		b.end(s)
	case st.Listing && len(st.Microphones)+len(st.Earpieces) == 0:
	case b.job == jobList:
		b.list(s, &st, now)
	case b.job == jobUse:
		b.use(s, &st, now)
	case b.job == jobTone:
		b.tone(s, &st)
	case b.job == jobRecord:
		b.record(s, &st)
	}
}

// list tells of all devices, once they were listened to for a moment.
func (b *benchJob) list(s *session, st *callstate.Bench, now time.Time) {
	if b.ready.IsZero() {
		b.ready = now.Add(listen)
	}
	if now.Before(b.ready) {
		return
	}
	b.microphones, b.earpieces = slices.Clone(st.Microphones), slices.Clone(st.Earpieces)
	// Hardly anybody wants to say what an earpiece plays.
	slices.SortStableFunc(b.microphones, func(x, y callstate.BenchDevice) int { return rank(x) - rank(y) })
	for _, l := range []struct {
		title string
		list  []callstate.BenchDevice
	}{{"Microphones", b.microphones}, {"Earpieces", b.earpieces}} {
		if len(l.list) == 0 {
			s.say("%s: none was found.", l.title)
			continue
		}
		s.say("%s:", l.title)
		for i, d := range l.list[:min(len(l.list), mostLines)] {
			s.say("%d: %s.", i+1, deviceLine(d, l.title == "Microphones"))
		}
	}
	b.end(s)
}

func rank(d callstate.BenchDevice) int {
	if d.Monitor {
		return 1
	}
	return 0
}

// deviceLine is a device in words.
func deviceLine(d callstate.BenchDevice, microphone bool) string {
	parts := []string{deviceName(d)}
	for _, w := range []struct {
		is   bool
		word string
	}{{d.InCall, "in the call"}, {d.Chosen, "chosen"}, {d.Default, "the system's default"}, {d.Monitor, "a monitor: records what an earpiece plays"}, {d.Gone, "gone"}} {
		if w.is {
			parts = append(parts, w.word)
		}
	}
	switch {
	case d.Err != "":
		parts = append(parts, "does not open: "+strings.TrimRight(name(d.Err), "."))
	case microphone && (d.Open != nil || d.InCall) && !d.Gone:
		parts = append(parts, level(d.Level))
	}
	return strings.Join(parts, ", ")
}

func deviceName(d callstate.BenchDevice) string {
	if n := name(d.Name); n != "" {
		return n
	}
	return "a device without a name"
}

// there finds the job's device among those of now.
func (b *benchJob) there(s *session, st *callstate.Bench) (callstate.BenchDevice, bool) {
	for _, l := range [][]callstate.BenchDevice{st.Microphones, st.Earpieces} {
		for _, d := range l {
			if d.ID == b.device.ID && !d.Gone {
				return d, true
			}
		}
	}
	if !st.Listing {
		s.say("%s is gone: plug it in, then type devices.", deviceName(b.device))
		b.end(s)
	}
	return callstate.BenchDevice{}, false
}

// use takes a device; what comes of it the phone tells.
func (b *benchJob) use(s *session, st *callstate.Bench, now time.Time) {
	switch {
	case !b.asked:
		if _, ok := b.there(s, st); ok {
			b.asked, b.ready = true, now.Add(chosenFor)
			s.opts.Bench.Choose(b.device.ID)
		}
	case !now.Before(b.ready):
		b.end(s)
	}
}

func (b *benchJob) tone(s *session, st *callstate.Bench) {
	d, ok := b.there(s, st)
	switch {
	case !ok:
	case d.Err != "":
		s.say("Error: %s does not open: %s", deviceName(d), sentence(d.Err))
		b.end(s)
	case !b.asked:
		b.asked = true
		s.opts.Bench.Tone(d.ID)
	case d.Tone && !b.seen:
		b.seen = true
		s.say("A test tone plays on %s; tone off ends it.", deviceName(d))
	case !d.Tone && b.seen:
		b.end(s)
		s.say("The tone is over.")
	}
}

func (b *benchJob) record(s *session, st *callstate.Bench) {
	r := st.Recording
	switch {
	case r.Err != "" && b.asked:
		s.say("Error: %s", sentence(r.Err))
		b.end(s)
	case !b.asked:
		if d, ok := b.there(s, st); ok {
			b.asked = true
			s.opts.Bench.Record(d.ID)
		}
	case r.State == callstate.RecordListening && !b.seen:
		b.seen = true
		s.say("Speak: %.0f s are recorded from %s.", r.Left.Seconds(), deviceName(b.device))
	case r.State == callstate.RecordPlaying && !b.played:
		b.seen, b.played = true, true
		s.say("This is how you sound; the peak was %s dBFS.", dBFS(r.Peak))
	case r.State == callstate.RecordIdle && b.seen:
		b.end(s)
		s.say("The recording is over.")
	}
}

// devices lists them.
func (s *session) devices(string) {
	s.bench.begin(s, jobList, callstate.BenchDevice{})
}

// use takes a device for this call and those that follow.
func (s *session) use(arg string) {
	what, which, _ := strings.Cut(arg, " ")
	var list []callstate.BenchDevice
	switch strings.ToLower(what) {
	case "microphone", "mic":
		list = s.bench.microphones
	case "earpiece", "ear":
		list = s.bench.earpieces
	default:
		s.say("Which device? use microphone 2, or use earpiece 1; devices lists them.")
		return
	}
	if d, ok := s.pick(list, which); ok {
		s.bench.begin(s, jobUse, d)
	}
}

func (s *session) tone(arg string) {
	if strings.EqualFold(arg, "off") {
		if s.bench.job != jobTone {
			s.say("No tone plays.")
			return
		}
		s.bench.end(s)
		s.say("The tone is over.")
		return
	}
	if d, ok := s.pick(s.bench.earpieces, arg); ok {
		s.bench.begin(s, jobTone, d)
	}
}

func (s *session) record(arg string) {
	if d, ok := s.pick(s.bench.microphones, arg); ok {
		s.bench.begin(s, jobRecord, d)
	}
}

// pick is the device of a list that a number, or a part of a name, means.
func (s *session) pick(devices []callstate.BenchDevice, arg string) (callstate.BenchDevice, bool) {
	none := callstate.BenchDevice{}
	arg = strings.ToLower(strings.TrimSpace(arg))
	if len(devices) == 0 {
		s.say("Type devices first: the numbers are those of that list.")
		return none, false
	}
	if n, err := strconv.Atoi(arg); err == nil {
		if n < 1 || n > len(devices) {
			s.say("There is no %d in that list: it has %d.", n, len(devices))
			return none, false
		}
		return devices[n-1], true
	}
	var fit []callstate.BenchDevice
	for _, d := range devices {
		if arg != "" && strings.Contains(strings.ToLower(d.Name), arg) {
			fit = append(fit, d)
		}
	}
	if len(fit) == 1 {
		return fit[0], true
	}
	s.say("%s: name one by its number, 1 to %d.", either(len(fit) > 1, fmt.Sprintf("%d devices fit", len(fit)), "No device fits"), len(devices))
	return none, false
}
