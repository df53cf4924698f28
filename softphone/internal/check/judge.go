package check

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"callcenter/audio/level"
	"callcenter/softphone/internal/callstate"
)

const (
	// wideband is the least rate of a device for speech that is more than a
	// telephone's: RFC 7874 wants wideband, 16 kHz.
	wideband = 16000
	// longPeriod is a period that is heard as delay.
	longPeriod = 40 * time.Millisecond
	// manyGaps are more than a sound system loses when it starts, of both devices.
	manyGaps = 3

	// A steady sound above noisy counts as a voice in a room (package level), and
	// one above loudNoise leaves less than 18 dB for speech at its target.
	noisy, loudNoise = -48.0, -40.0

	// Active speech is -22 dBFS by RFC 7874, section 4, within 6 dB of which level
	// control leaves it. The softphone's level control adds 20 dB at most.
	speechTarget, speechOff = -22.0, 6.0
	faintSpeech             = speechTarget - 20
	// heardAbove is how far above the noise speech is, in dB, and leastSpeech for
	// how much of the time somebody must have spoken.
	heardAbove  = 10.0
	leastSpeech = 0.1

	// manyClips are as many clipped moments as are no accident.
	manyClips = 10

	// Talkers hear themselves at 100 ms and more unless the echo is 45 dB weaker
	// (ITU-T G.131, and the least that TIA-810 wants of a headset); at 30 dB
	// everybody hears it.
	quietEcho, loudEcho = -45.0, -30.0
	// deafEcho is what must at least be audible to the check.
	deafEcho = -38.0

	// A playout follows clocks that differ by 200 ppm with one period of a voice in
	// 25 s; crystals are within 100 ppm. At 1000 ppm something is wrong.
	drifts, runsAway = 200.0, 1000.0
	// exact is how well a clock must be known.
	exact = 40.0
	// deadShare is how much of the time a microphone must bring no sound to be dead.
	deadShare = 0.9
)

// judge turns what was measured into lines.
func (r *round) judge() Report {
	var l lines
	mic, ear := &r.ends.mic, &r.ends.ear
	clock := clocks(mic, ear)
	// A clock that is far off loses sound by itself.
	late := r.computer(clock.grade != callstate.GradeFail)
	inTime := late.grade == callstate.GradePass
	switch {
	case clock.grade <= callstate.GradePass:
	case !inTime:
		clock = untested("this computer is late")
	case mic.stops+ear.stops > 0: // what a device that was away does says nothing of its clock
		clock = untested("a device stopped for a while")
	}
	l.add("microphone", "Microphone", device(mic, "microphone", "--capture", inTime))
	l.add("earpiece", "Earpiece", device(ear, "earpiece", "--playback", inTime))
	r.judgeSound(&l)
	l.add("clock_drift", "Clock drift", clock)
	r.link.judge(&l, r.cfg.Servers, inTime)
	l.add("token", "Token", tokenView(r.cfg.Token, time.Now()))
	l.add("computer", "This computer", late)
	report := Report{Version: r.cfg.Version}
	if r.link.answered != 0 {
		report.Server, report.ServerVersion = r.link.server.Server, r.link.server.Version
	}
	l.add("versions", "Versions", versions(&report, mic, ear))
	report.Lines, report.Grade = l.list, l.worst()
	return report
}

// device is how one device does, on a computer that was in time or not.
func device(d *end, what, flag string, inTime bool) view {
	e := d.shown
	f := figures{}
	finding := "not open"
	if d.stream != nil {
		f["rate_hz"], f["channels"], f["period_ms"] = float64(e.Rate), float64(e.Channels), ms(e.Period)
		f["stops"] = float64(d.stops)
		finding = fmt.Sprintf("%s, %s, %d Hz, %s, period %s", e.Name, e.Backend, e.Rate, channels(e.Channels), spell(e.Period))
	}
	v := pass(f, "%s", finding)
	switch {
	case d.stream == nil && d.err != nil:
		v.finding = d.err.Error()
		return v.but(callstate.GradeFail, fmt.Sprintf("Plug the headset in, or choose another %s: `softphone devices` lists them, %s names one.", what, flag))
	case d.failed != "":
		v.finding += ": " + d.failed
		return v.but(callstate.GradeFail, fmt.Sprintf("Unplug the headset and plug it in again, or restart the sound server; or choose another %s.", what))
	case e.Monitor:
		v.finding += ", a monitor"
		return v.but(callstate.GradeWarn, "A monitor records what a loudspeaker plays: choose a microphone.")
	case e.Rate > 0 && e.Rate < wideband:
		return v.but(callstate.GradeWarn, "This is no better than an old telephone: on a Bluetooth headset choose the profile for wideband speech (mSBC), or use a cable.")
	case e.Period > longPeriod:
		return v.but(callstate.GradeWarn, "Its period is long and adds delay: end other programs that use it, or take --period away.")
	case d.stops > 0 && inTime:
		v.finding += ", it stopped " + callstate.Times(d.stops)
		return v.but(callstate.GradeWarn, "Use another USB socket, or restart the sound server: a device that stops takes words away.")
	case d.other != "":
		v.finding += ": " + d.other
		return v.but(callstate.GradeWarn, "Plug the device that you have chosen in, or choose this one: `softphone devices` lists them.")
	}
	return v
}

func channels(n int) string {
	switch n {
	case 1:
		return "mono"
	case 2:
		return "stereo"
	}
	return fmt.Sprintf("%d channels", n)
}

func spell(d time.Duration) string { return fmt.Sprintf("%.4g ms", ms(d)) }

// judgeSound adds the lines of what the microphone brought.
func (r *round) judgeSound(l *lines) {
	const (
		brings, noise, speech, clips, ears = "microphone_sound", "noise_floor", "speech_level", "clipping", "echo"
	)
	titles := map[string]string{
		brings: "Microphone sound", noise: "Noise floor", speech: "Speech level", clips: "Clipping", ears: "Echo of the ear",
	}
	rest := func(why string, keys ...string) {
		for _, k := range keys {
			l.add(k, titles[k], untested("%s", why))
		}
	}
	if !r.ends.mic.works() || r.speechTo <= r.speechFrom {
		rest("the microphone does not work", brings, noise, speech, clips, ears)
		return
	}
	said := r.ends.between(r.speechFrom, r.speechTo)
	alive := liveSound(said)
	l.add(brings, titles[brings], alive)
	if alive.grade != callstate.GradePass {
		rest("the microphone is silent", noise, speech, clips, ears)
		return
	}
	quiet := r.ends.between(r.silenceFrom, r.silenceTo)
	floor := noiseFloor(quiet)
	l.add(noise, titles[noise], noiseView(floor))
	clipped := findClipping(said)
	l.add(speech, titles[speech], speechView(activeSpeech(said), activeSpeech(quiet).active, clipped))
	l.add(clips, titles[clips], clipView(clipped))
	l.add(ears, titles[ears], r.echoView())
}

// liveSound tells whether the microphone brought any sound while somebody was to
// speak.
func liveSound(pcm []int16) view {
	var s level.Silence
	kind := s.Add(pcm)
	zeros, flat := s.Times()
	dead := float64(zeros+flat) / float64(len(pcm))
	f := figures{"silent_pct": 100 * dead}
	switch {
	case dead < deadShare:
		return pass(f, "it brings sound")
	case kind == level.Flat || flat > zeros:
		return pass(f, "a flat level, no sound at all").but(callstate.GradeFail, "Push the headset's plug in, or try another socket.")
	}
	return pass(f, "exact zeros, no sound at all").but(callstate.GradeFail,
		"Open the mute switch of the headset, and turn the microphone on in the settings of this computer.")
}

func noiseView(floor float64) view {
	v := pass(figures{"noise_dbfs": floor}, "%.0f dBFS", floor)
	if floor <= level.Floor {
		v.finding = "exact zeros while nobody speaks: the microphone has a noise gate"
	}
	const advice = "Move the microphone to the corner of the mouth and away from fans; switch noise suppression on (n); be silent when asked to."
	switch {
	case floor > loudNoise:
		return v.but(callstate.GradeFail, advice)
	case floor > noisy:
		return v.but(callstate.GradeWarn, advice)
	}
	return v
}

// speechView is how loud somebody spoke. noise is measured in the same way.
func speechView(s voiced, noise float64, c clipping) view {
	f := figures{"speech_dbfs": s.active, "speech_pct": 100 * s.share}
	off := s.active - speechTarget
	v := pass(f, "%.1f dBFS, %+.1f dB from the %.0f dBFS of a call", s.active, off, speechTarget)
	switch {
	case noise > loudNoise && s.active < noise+heardAbove:
		return untested("the noise is as loud as speech, or somebody spoke when asked to be silent")
	case s.active < noise+heardAbove || s.share < leastSpeech:
		return pass(f, "no speech was heard (%.0f dBFS, %.0f dB above the noise)", s.active, max(0, s.active-noise)).but(callstate.GradeFail,
			"Read the sentence aloud when asked to; if you did, bring the microphone to the corner of the mouth and turn it up.")
	case off > speechOff && c.clipped():
		return untested("it clips")
	case off > speechOff:
		return v.but(callstate.GradeWarn, "Turn the microphone down, or move it away from the mouth.")
	case s.active < faintSpeech:
		return v.but(callstate.GradeFail, "Nobody will understand you: turn the microphone up, and bring it to the corner of the mouth.")
	case off < -speechOff:
		return v.but(callstate.GradeWarn, "Turn the microphone up, or bring it to the corner of the mouth; level control (l) helps.")
	}
	return v
}

func clipView(c clipping) view {
	f := figures{
		"clipped_moments": float64(c.moments), "clipped_above": float64(c.above), "clipped_below": float64(c.below), "peak_dbfs": c.peak,
	}
	v := pass(f, "none, peak %.1f dBFS", c.peak)
	const advice = "Turn the microphone down, in the settings of this computer and not here: what has clipped stays so."
	switch {
	case c.above+c.below > 0:
		v.finding = fmt.Sprintf("%s, %d samples above and %d below, peak %.1f dBFS", callstate.Times(c.moments), c.above, c.below, c.peak)
		if c.moments >= manyClips {
			return v.but(callstate.GradeFail, advice)
		}
		return v.but(callstate.GradeWarn, advice)
	case c.flat():
		v.finding = fmt.Sprintf("flat tops below full scale, %d above and %d below, peak %.1f dBFS", c.flatUp, c.flatDn, c.peak)
		return v.but(callstate.GradeFail, advice)
	}
	return v
}

// echoView is how much of the ear the microphone hears.
func (r *round) echoView() view {
	if !r.ends.ear.works() || !r.probed {
		return untested("the earpiece does not work")
	}
	heard := make([]heardProbe, 0, len(r.probes))
	for _, p := range r.probes {
		if h, ok := r.ends.around(p); ok {
			heard = append(heard, h)
		}
	}
	e := findEcho(heard, r.probeCeiling)
	switch {
	case !e.tested:
		return untested("too little sound came back in time")
	case !e.found && e.limit > deafEcho:
		return untested("too noisy: an echo below %.0f dB is not heard", e.limit)
	case !e.found:
		return pass(figures{"limit_db": e.limit}, "none above %.0f dB", e.limit)
	}
	v := pass(figures{"echo_db": e.gain, "delay_ms": ms(e.delay)}, "%.0f dB after %.0f ms", e.gain, ms(e.delay))
	const advice = "They hear themselves: turn the earpiece down, put the headset on properly, and use no loudspeaker."
	switch {
	case e.gain > loudEcho:
		return v.but(callstate.GradeFail, advice)
	case e.gain > quietEcho:
		return v.but(callstate.GradeWarn, advice)
	}
	return v
}

// clocks is how the clocks of the devices agree with each other and with this
// computer's.
func clocks(mic, ear *end) view {
	m, e := mic.clock.drift(), ear.clock.drift()
	f, parts, worst, off := figures{}, []string{}, 0.0, 0.0
	take := func(key, what string, d drift) {
		f[key+"_ppm"], f[key+"_error_ppm"] = d.ppm, d.error
		parts = append(parts, fmt.Sprintf("%s %s", what, signed(d.ppm)))
		worst, off = max(worst, math.Abs(d.ppm)), max(off, d.error)
	}
	if m.known {
		take("microphone", "microphone", m)
	}
	if e.known {
		take("earpiece", "earpiece", e)
	}
	switch {
	case m.known && e.known:
		take("between", "between them", drift{true, m.ppm - e.ppm, math.Hypot(m.error, e.error)})
	case !m.known && !e.known:
		return untested("no device moved sound without a break for %.0f s", driftWindows*windowSpan.Seconds())
	}
	v := pass(f, "%s ppm (±%.0f)", strings.Join(parts, ", "), max(1, off))
	switch {
	case off > exact:
		return untested("the callbacks come too unevenly to tell better than ±%.0f ppm", off)
	case worst-off > runsAway:
		return v.but(callstate.GradeFail, "A clock is far off: choose another device, or set its rate to 48000 Hz in the sound system.")
	case worst > drifts:
		return v.but(callstate.GradeWarn, "A clock of a device is off; calls follow it, with a faint flutter: use one headset for both directions, or another.")
	}
	return v
}

// signed is a whole number with its sign; 0 has none.
func signed(x float64) string {
	if math.Abs(x) < 0.5 {
		return "0"
	}
	return fmt.Sprintf("%+.0f", x)
}

// computer is whether this computer gets to its work in time. Where it does not,
// callbacks of the devices come too late, and sound is lost.
func (r *round) computer(gapsCount bool) view {
	l := r.link
	gaps, lost := r.ends.mic.gaps+r.ends.ear.gaps, r.ends.mic.lost+r.ends.ear.lost
	v := pass(figures{"late_ms": ms(l.late), "gaps": float64(gaps), "gap_ms": ms(lost)}, "in time; the check itself was late by %s at most", spell(l.late.Round(time.Millisecond/10)))
	switch {
	case l.has(callstate.KindComputer):
		v.finding = l.troubles[callstate.KindComputer].text
	case l.has(callstate.KindUnderruns, callstate.KindMicrophone):
		v.finding = "this computer is late"
	case gaps > manyGaps && gapsCount:
		v.finding = fmt.Sprintf("the devices' callbacks come late: %d gaps, %s of sound lost", gaps, spell(lost))
	default:
		return v
	}
	return v.but(callstate.GradeWarn, "End programs that keep this computer busy, and plug its power supply in.")
}

// versions names what took part.
func versions(r *Report, mic, ear *end) view {
	parts := []string{"softphone " + r.Version, runtime.GOOS + "/" + runtime.GOARCH}
	for _, d := range []*end{mic, ear} {
		if b := d.shown.Backend; b != "" && !strings.Contains(strings.Join(parts, " "), b) {
			parts = append(parts, b)
		}
	}
	server := "no server"
	switch {
	case r.ServerVersion != "":
		server = "server " + r.ServerVersion
	case r.Server != "":
		server = "a server that does not tell"
	}
	return pass(nil, "%s; %s", strings.Join(parts, ", "), server)
}
