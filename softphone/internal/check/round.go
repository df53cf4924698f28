package check

import (
	"context"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

const (
	// settleTime is what the devices have to start before anything is judged.
	settleTime = 700 * time.Millisecond
	silentTime = 4 * time.Second
	speakTime  = 8 * time.Second
	// toneLead is until the first chirp, so that whoever spoke has ended.
	toneLead = 500 * time.Millisecond
	toneTime = toneLead + chirps*(chirpTime+chirpRest)
	// planned is the whole check.
	planned = settleTime + silentTime + speakTime + toneTime + analysis
	// analysis is what the end takes.
	analysis = 300 * time.Millisecond
	// pulse is how often sound is moved, and show how often a desk is told.
	pulse = 10 * time.Millisecond
	show  = 50 * time.Millisecond
)

// What the operator is asked.
const (
	askOpening = "Put the headset on. The devices are being opened."
	askSilent  = "Be silent."
	askSpeak   = "Speak as in a call until this is over: “Good morning, thank you for " +
		"calling. My name is on your screen. How may I help you today?”"
	askListen = "Listen, and be silent: six short tones."
	askWait   = "Nothing more to do: the connection is being measured."
)

// phase is what goes on in a check.
type phase int

const (
	opens phase = iota
	silent
	speaks
	listens
	waits
	over
)

// round is one check.
type round struct {
	cfg  *Config
	tell func(callstate.Check)
	ends *ends
	link *link

	phase         phase
	began, until  time.Duration // of the phase
	shown         time.Duration // when a desk was told last
	speechFrom    int           // positions in what was heard
	speechTo      int
	silenceFrom   int
	silenceTo     int
	probes        []uint64 // where the chirps are, on the ear's clock
	probed        bool
	probeCeiling  float64
	interruptedBy string
}

func newRound(cfg Config, tell func(callstate.Check)) *round {
	return &round{cfg: &cfg, tell: tell, ends: newEnds(&cfg), probeCeiling: min(chirpPeak, cfg.EarCeiling-3)}
}

// isBusy reports that there is a call.
func (r *round) isBusy() bool {
	return r.cfg.Phone != nil && r.cfg.Phone.Snapshot().State != callstate.Idle
}

// refuse is the end of a check that is none.
func (r *round) refuse(why string) Report {
	r.tell(callstate.Check{Err: why})
	return Report{Error: why, Version: r.cfg.Version}
}

// run runs the check and gives every device back.
func (r *round) run(ctx context.Context) Report {
	opening, cancelOpening := context.WithTimeout(ctx, openLimit)
	defer cancelOpening()
	linking, cancelLink := context.WithCancel(ctx)
	defer cancelLink()
	now := r.cfg.Clock()
	r.began, r.until = now, now+openLimit
	r.link = startLink(linking, r.cfg)
	r.ends.open(opening, r.cfg.Sound)
	r.publish(now)
	r.loop(ctx)
	cancelOpening()
	r.ends.giveBack()
	cancelLink()
	<-r.link.done
	switch {
	case r.interruptedBy != "":
		return r.refuse(r.interruptedBy)
	case ctx.Err() != nil:
		return r.refuse("The check was given up.")
	}
	return r.conclude()
}

// loop goes through the phases.
func (r *round) loop(ctx context.Context) {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for r.phase != over {
		select {
		case <-ctx.Done():
			return
		case o := <-r.ends.results:
			r.ends.took(o)
		case <-r.ends.capture.Ready():
		case <-ticker.C:
		}
		now := r.cfg.Clock()
		r.ends.step(now)
		r.link.look(now)
		r.advance(now)
		if now-r.shown < show {
			continue
		}
		r.shown = now
		if r.isBusy() {
			r.interruptedBy = gaveWay
			return
		}
		r.publish(now)
	}
}

// advance goes on to the next phase when it is time.
func (r *round) advance(now time.Duration) {
	mic, ear := r.ends.mic.works(), r.ends.ear.works()
	switch r.phase {
	case opens:
		if r.ends.opening == 0 {
			r.enter(silent, now, settleTime+silentTime)
		}
	case silent:
		r.silenceTo = r.ends.position()
		if r.silenceFrom == 0 && now-r.began >= settleTime {
			r.silenceFrom = r.silenceTo
		}
		if now >= r.until || !mic {
			r.enter(speaks, now, speakTime)
			r.speechFrom = r.ends.position()
		}
	case speaks:
		r.speechTo = r.ends.position()
		if now >= r.until || !mic {
			r.enter(listens, now, toneTime)
			r.probe()
		}
	case listens:
		if now >= r.until || !mic || !ear {
			r.enter(waits, now, linkTime+linkEnd)
		}
	case waits:
		if now >= r.until || r.link.over {
			r.phase = over
		}
	case over:
	}
}

func (r *round) enter(p phase, now, long time.Duration) {
	r.phase, r.began, r.until = p, now, now+long
}

// probe queues the chirps behind what waits for the earpiece.
func (r *round) probe() {
	if !r.ends.mic.works() || !r.ends.ear.works() {
		return
	}
	at := r.ends.written + r.ends.playback.Stats().UnderrunSamples
	lead, every := audio.Samples(toneLead), audio.Samples(chirpTime+chirpRest)
	pcm := make([]int16, lead+chirps*every)
	sound := playedChirp(r.probeCeiling)
	for i := range chirps {
		begin := lead + i*every
		copy(pcm[begin:], sound)
		r.probes = append(r.probes, at+uint64(begin))
	}
	r.ends.play, r.probed = pcm, true
}

// publish tells how the check goes.
func (r *round) publish(now time.Duration) {
	s := callstate.Check{Running: true, Left: max(0, r.until-now), Total: max(0, r.toGo(now)), Level: r.ends.level(now)}
	switch r.phase {
	case opens:
		s.Ask = askOpening
	case silent:
		s.Ask = askSilent
		if left := settleTime - (now - r.began); left > 0 { // nothing is judged yet
			s.Ask, s.Left = askOpening, left
		}
	case speaks:
		s.Ask = askSpeak
	case listens:
		s.Ask = askListen
	case waits, over:
		s.Ask, s.Left = askWait, max(0, r.link.left(now))
		s.Total = s.Left + analysis
	}
	r.tell(s)
}

// toGo is until the end of the check, as planned.
func (r *round) toGo(now time.Duration) time.Duration {
	left := max(0, r.until-now) + analysis
	switch r.phase {
	case opens:
		return planned
	case silent:
		return left + speakTime + toneTime
	case speaks:
		return left + toneTime
	case listens, waits, over:
	}
	return left
}

// conclude says what was found.
func (r *round) conclude() Report {
	report := r.judge()
	lines := make([]callstate.CheckLine, len(report.Lines))
	for i, l := range report.Lines {
		lines[i] = l.CheckLine
	}
	r.tell(callstate.Check{Done: true, Lines: lines, Grade: report.Grade})
	var beyond []string
	for _, l := range lines {
		if l.Grade > callstate.GradePass {
			beyond = append(beyond, l.Grade.String()+" "+l.Key+": "+l.Finding)
		}
	}
	r.cfg.Log.Info("check", "grade", report.Grade.String(), "found", strings.Join(beyond, "; "))
	return report
}
