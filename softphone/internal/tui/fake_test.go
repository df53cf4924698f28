package tui

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/diagnose"
)

// fakePhone is a Phone whose state the test sets. In a live test it behaves
// like a phone: it answers, mutes and hangs up at once.
type fakePhone struct {
	mu      sync.Mutex
	calls   []string
	snap    callstate.Snapshot
	looks   int
	panicAt string // the method that panics
	obeys   bool

	directory callstate.Directory
	screen    string // in the newest black box

	notices chan callstate.Notice
	changed chan struct{}
}

func newFakePhone(snap callstate.Snapshot) *fakePhone {
	return &fakePhone{snap: snap, notices: make(chan callstate.Notice, 8), changed: make(chan struct{}, 1)}
}

func (p *fakePhone) call(name string, effect func(s *callstate.Snapshot)) {
	p.mu.Lock()
	p.calls = append(p.calls, name)
	if p.obeys {
		effect(&p.snap)
	}
	bad := p.panicAt == name
	p.mu.Unlock()
	if bad {
		panic("broken " + name)
	}
	p.signal()
}

func (p *fakePhone) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// set changes the state and says so.
func (p *fakePhone) set(change func(s *callstate.Snapshot)) {
	p.mu.Lock()
	change(&p.snap)
	p.mu.Unlock()
	p.signal()
}

func (p *fakePhone) Dial(d string) {
	p.call("dial "+d, func(s *callstate.Snapshot) {
		muted, server := s.Muted, s.Server
		*s = liveSnapshot()
		s.Muted, s.Server = muted, server
		if d != "" {
			s.Destination = d
		}
	})
}

func (p *fakePhone) HangUp() {
	p.call("hang up", func(s *callstate.Snapshot) { *s = idleSnapshot() })
}

func (p *fakePhone) ToggleMute() {
	p.call("mute", func(s *callstate.Snapshot) { s.Muted = !s.Muted })
}

func (p *fakePhone) ToggleHighPass() {
	p.call("high-pass", func(s *callstate.Snapshot) { s.CleanUp.HighPass = !s.CleanUp.HighPass })
}

func (p *fakePhone) ToggleDenoise() {
	p.call("denoise", func(s *callstate.Snapshot) { s.CleanUp.Denoise = !s.CleanUp.Denoise })
}

func (p *fakePhone) ToggleLevelControl() {
	p.call("level", func(s *callstate.Snapshot) { s.CleanUp.Level = !s.CleanUp.Level })
}

func (p *fakePhone) ToggleHold() {
	p.call("hold", func(s *callstate.Snapshot) { s.Held = !s.Held })
}

func (p *fakePhone) Digit(digit rune) { p.call("digit "+string(digit), func(*callstate.Snapshot) {}) }

func (p *fakePhone) Talk() {
	p.call("talk", func(s *callstate.Snapshot) { s.Talk.Open = !s.Talk.Open })
}

func (p *fakePhone) ChangeMicrophoneGain(dB float64) {
	p.call(fmt.Sprintf("mic %+g", dB), func(s *callstate.Snapshot) { s.Gains.Microphone += dB })
}

func (p *fakePhone) ChangeEarpieceGain(dB float64) {
	p.call(fmt.Sprintf("ear %+g", dB), func(s *callstate.Snapshot) { s.Gains.Earpiece += dB })
}

func (p *fakePhone) SaveBlackBox(screen string) {
	p.call("save", func(*callstate.Snapshot) { p.screen = screen })
}

func (p *fakePhone) ToggleSounds() {
	p.call("sounds", func(s *callstate.Snapshot) { s.Sounds = !s.Sounds })
}

func (p *fakePhone) Train(t callstate.Training) {
	p.call(fmt.Sprintf("train %v %v %g", t.Delay, t.Jitter, t.LossPct), func(s *callstate.Snapshot) { s.Training = t })
}

func (p *fakePhone) Directory() callstate.Directory { return p.directory }

func (p *fakePhone) Snapshot() callstate.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	if p.panicAt == "snapshot" && p.looks > 3 {
		panic("broken snapshot")
	}
	return p.snap
}

func (p *fakePhone) Notices() <-chan callstate.Notice { return p.notices }
func (p *fakePhone) Changed() <-chan struct{}         { return p.changed }

func (p *fakePhone) looked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks
}

func (p *fakePhone) did() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

// The states of the goldens and the layout tests.

var silence = callstate.Meter{Peak: -120, RMS: -120, Hold: -120}

func idleSnapshot() callstate.Snapshot {
	return callstate.Snapshot{
		Server: "127.0.0.1:50051", Destination: "echo", Microphone: silence, Earpiece: silence,
		CleanUp:    callstate.CleanUp{HighPass: true, Denoise: true, CanDenoise: true, Level: true},
		Protection: callstate.Protection{On: true, Ceiling: -6},
	}
}

func dialingSnapshot() callstate.Snapshot {
	s := idleSnapshot()
	s.State, s.Codec, s.FrameMS = callstate.Dialing, "opus", 20
	mic := liveSnapshot().MicrophoneOpen
	s.MicrophoneOpen = mic
	s.Microphone = callstate.Meter{Peak: -41.2, RMS: -52.7, Hold: -38}
	return s
}

func liveSnapshot() callstate.Snapshot {
	const ms = time.Millisecond
	return callstate.Snapshot{
		State: callstate.Live, Server: "127.0.0.1:50051", Destination: "echo", CallID: "7f1c",
		Duration:   12*time.Minute + 34*time.Second,
		Microphone: callstate.Meter{Peak: -12.3, RMS: -22.1, Hold: -8.4},
		Earpiece:   callstate.Meter{Peak: -24.8, RMS: -33.5, Hold: -19.9},
		MicrophoneOpen: &audio.Endpoint{
			ID: "alsa_input.usb-headset", Name: "USB Headset Analog Mono", Backend: "pulseaudio",
			Rate: 48000, Channels: 1, Period: 10 * ms, Periods: 3,
		},
		EarpieceOpen: &audio.Endpoint{
			ID: "alsa_output.usb-headset", Name: "USB Headset Analog Stereo", Backend: "pulseaudio",
			Rate: 44100, Channels: 2, Period: 10 * ms, Periods: 3,
		},
		Codec: "opus", FrameMS: 20,
		Delay: callstate.Delay{
			RTT: 23400 * time.Microsecond, RTTKnown: true, Jitter: 2140 * time.Microsecond,
			Buffer: 41 * ms, Target: 40 * ms,
			MouthToEarEst: 132100 * time.Microsecond, Loop: 128 * ms, LoopKnown: true,
			Stages: []callstate.Stage{
				{Name: "microphone period", Delay: 10 * ms},
				{Name: "frame", Delay: 10 * ms, Measured: true},
				{Name: "clean-up", Delay: 10 * ms, Measured: true},
				{Name: "look-ahead", Delay: 6500 * time.Microsecond, Measured: true},
				{Name: "send queue", Delay: 1200 * time.Microsecond, Measured: true},
				{Name: "up", Delay: 11700 * time.Microsecond},
				{Name: "server", Delay: 300 * time.Microsecond, Measured: true},
				{Name: "down", Delay: 11700 * time.Microsecond},
				{Name: "buffer", Delay: 38500 * time.Microsecond, Measured: true},
				{Name: "decode", Delay: 2200 * time.Microsecond, Measured: true},
				{Name: "earpiece period", Delay: 20 * ms, Measured: true},
				{Name: "sound system", Delay: 10 * ms},
			},
		},
		Traffic: callstate.Traffic{
			Sent: 37712, Received: 37690, Lost: 0, Dropped: 3, Late: 19, ConcealedPct: 0.12, Underruns: 2, Overruns: 480,
		},
		Quality: callstate.Quality{
			Known: true, R: 89.7, MOS: 4.38, Delay: 148 * ms, DelayMOS: 0.02, LossPct: 0.12, LossMOS: 0.01,
		},
		Counts: callstate.Counts{
			Inserted: 4800, Removed: 5280, Concealed: 21600, SilentConcealed: 480, ConcealmentEvents: 31,
			Interruptions: 1, InterruptionDuration: 180 * ms, Skipped: 9600, DTX: 301 * 48000,
			Stalls: 2, StallDuration: 420 * ms, Outages: 1, BackToLive: 120 * ms, Quick: 2,
			SenderDropped: 3, ClockDriftPPM: -38, Underruns: 2, Overruns: 480,
			BufferMean: 42 * ms, TargetMean: 40 * ms, MinimumMean: 31 * ms, ArrivalMean: 2400 * time.Microsecond,
		},
		Remote: callstate.Remote{
			Known: true, Plays: true, Received: 37700, Lost: 0, Late: 4, ConcealedPct: 0.31,
			Jitter: 1900 * time.Microsecond, Buffer: 38 * ms, Target: 35 * ms, MouthToEarEst: 128 * ms, MOS: 4.36,
			Counts: callstate.Counts{
				Concealed: 112000, ConcealmentEvents: 12, DTX: 96000, EarLimited: 320,
				BufferMean: 36 * ms, TargetMean: 35 * ms, MinimumMean: 20 * ms, ClockDriftPPM: 38,
			},
		},
		CleanUp:    callstate.CleanUp{HighPass: true, Denoise: true, CanDenoise: true, Level: true, Gain: 6.2},
		Protection: callstate.Protection{On: true, Ceiling: -6},
		Sounds:     true,
		Timeline:   minutes(callstate.TimelineSeconds),
		Verdict:    callstate.Verdict{Good: "You are heard, confirmed 0.2 s ago.", Heard: true},
	}
}

// minutes are the last seconds of a call in which everything happened.
func minutes(seconds int) []callstate.Moment {
	const ms = time.Millisecond
	all := make([]callstate.Moment, seconds)
	for i := range all {
		m := callstate.Moment{Delay: time.Duration(124+i*7%9) * ms, MOS: 4.38}
		switch {
		case i >= 40 && i < 61:
			m.MOS, m.Marks = 0, callstate.MarkMuted
		case i >= 90 && i < 118:
			m.Delay, m.MOS, m.Marks = 0, 0, callstate.MarkHeld
		case i == 160:
			m.Delay, m.Marks = 161*ms, callstate.MarkDevice
		case i >= 200 && i < 209:
			m.Delay, m.MOS, m.Marks = time.Duration(612-(i-200)*50)*ms, 2.1+float64(i-200)/5, callstate.MarkStall
		case i >= 240 && i < 247:
			m.Delay, m.MOS, m.Marks = 0, 1.8, callstate.MarkReconnect
		}
		all[i] = m
	}
	return all
}

func mutedSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Muted, s.TalkingWhileMuted = true, true
	s.Verdict = callstate.Verdict{Good: "You are muted: nobody hears you."}
	return s
}

func clippedSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Microphone = callstate.Meter{Peak: -0.1, RMS: -9.6, Hold: 0, Clip: true}
	s.Delay.RTT = 512 * time.Millisecond
	s.Warnings = callstate.WarnRoundTrip | callstate.WarnLoss | callstate.WarnMOS
	s.Traffic.ConcealedPct = 4.71
	s.Quality = callstate.Quality{
		Known: true, R: 57, MOS: 2.9, Delay: 402 * time.Millisecond, DelayMOS: 0.92, LossPct: 4.71, LossMOS: 0.59,
	}
	s.CleanUp = callstate.CleanUp{CanDenoise: true}
	s.Protection.Gain, s.Protection.Limited = -4.2, 12345
	s.Remote = callstate.Remote{Known: true, Received: 37700, Lost: 2} // an echo
	return s
}

// afterSnapshot is an idle line after a call, whose figures are still there.
func afterSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.State, s.Verdict = callstate.Idle, callstate.Verdict{}
	s.Microphone, s.Earpiece, s.MicrophoneOpen, s.EarpieceOpen = silence, silence, nil, nil
	return s
}

// goodSnapshot is a call in which all is well, at the end of a first minute.
func goodSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Duration, s.Timeline = time.Minute, minutes(39)
	return s
}

// heldSnapshot is a call that this operator holds, with both gains changed.
func heldSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Held, s.Earpiece = true, silence
	s.Verdict = callstate.Verdict{Good: "You hold the call: nobody hears you."}
	s.Gains = callstate.Gains{Microphone: 3, Earpiece: -6}
	return s
}

// talkSnapshot is a muted microphone that was opened to talk.
func talkSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Muted, s.Talk = true, callstate.Talk{Open: true, Left: 26100 * time.Millisecond}
	s.Gains.Microphone = 12
	return s
}

func trainingSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Training = callstate.Training{Delay: 200 * time.Millisecond, Jitter: 40 * time.Millisecond, LossPct: 2}
	added := callstate.Stage{Name: "training", Delay: 200 * time.Millisecond, Measured: true}
	s.Delay.Stages = slices.Insert(s.Delay.Stages, 7, added)
	s.Delay.MouthToEarEst += added.Delay
	s.Delay.Loop += added.Delay
	return s
}

// suffering is a call with those troubles.
func suffering(troubles ...callstate.Trouble) callstate.Snapshot {
	s := liveSnapshot()
	s.Verdict.Troubles = troubles
	return s
}

// culprits are a trouble of each kind.
func culprits() []callstate.Trouble {
	const warning, failure = callstate.Warning, callstate.Failure
	return []callstate.Trouble{
		{Kind: callstate.KindServerGone, Severity: failure, Text: "server gone 4.1 s", Effect: "nobody hears you, reconnecting"},
		{Kind: callstate.KindMicrophone, Severity: warning, Text: "microphone silent 2.0 s", Effect: "nobody hears you, exact zeros: headset muted?"},
		{Kind: callstate.KindEarpiece, Severity: failure, Text: "earpiece gone 3.0 s", Effect: "you hear nothing"},
		{Kind: callstate.KindComputer, Severity: warning, Text: "this computer is late", Effect: "the microphone waits 80 ms"},
		{Kind: callstate.KindUplink, Severity: warning, Text: "uplink stalled 240 ms", Effect: "they hear you late"},
		{Kind: callstate.KindServer, Severity: warning, Text: "server busy 35 ms", Effect: "everybody is late"},
		{Kind: callstate.KindDownlink, Severity: warning, Text: "downlink stalled 1.2 s", Effect: "you hear nothing new"},
		{Kind: callstate.KindUnderruns, Severity: warning, Text: "earpiece ran dry 3 times", Effect: "you hear gaps"},
		{Kind: callstate.KindQuality, Severity: warning, Text: "round trip 512 ms", Effect: "you will interrupt each other"},
	}
}

// diagnosed is a call with what is made of it at the first look.
func diagnosed(s callstate.Snapshot) callstate.Snapshot {
	var w diagnose.Watch
	s.Verdict = w.Look(&s, time.Hour).Verdict
	return s
}

func quietSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Link = callstate.Link{State: callstate.LinkProblem, Server: "127.0.0.1:50051", Quiet: 1340 * time.Millisecond}
	s.Health.Quiet = s.Link.Quiet
	return diagnosed(s)
}

func lostSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.State, s.Server = callstate.Reconnecting, "10.0.0.1:50051"
	s.Link = callstate.Link{
		State: callstate.LinkLost, Server: "10.0.0.2:50051", Servers: 3, Quiet: 3100 * time.Millisecond,
		GiveUpIn: 26900 * time.Millisecond, Resumes: 2, Gap: 4400 * time.Millisecond,
	}
	s.Earpiece = silence
	return diagnosed(s)
}

func drainingSnapshot() callstate.Snapshot {
	s := lostSnapshot()
	s.State = callstate.Live
	s.Link = callstate.Link{Server: "10.0.0.1:50051", Servers: 3, Draining: true}
	return diagnosed(s)
}

// goneSnapshot has lost its headset; its meters would still be falling.
func goneSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.MicrophoneEnd = callstate.End{State: callstate.EndGone, Since: 4200 * time.Millisecond, Reopens: 1}
	s.EarpieceEnd = callstate.End{State: callstate.EndStalled, Since: 900 * time.Millisecond, Reopens: 2}
	s.Silence = callstate.NoCallbacks
	return diagnosed(s)
}

func silentSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Microphone = silence
	s.Silence, s.SilentFor = callstate.ExactZeros, 1700*time.Millisecond
	return diagnosed(s)
}

func flatSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Microphone = callstate.Meter{Peak: -41, RMS: -41, Hold: -41}
	s.Silence, s.SilentFor = callstate.FlatLevel, 17*time.Second
	return diagnosed(s)
}

func endingSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.State = callstate.Ending
	s.Microphone = callstate.Meter{Peak: -48, RMS: -120, Hold: -30}
	return s
}

// roomSnapshot is a call in a room with those others.
func roomSnapshot(others ...callstate.Participant) callstate.Snapshot {
	s := liveSnapshot()
	s.Destination, s.Speaking = "room/support", true
	s.Verdict.Good = "They hear you, confirmed 0.2 s ago, 0.3 % made up."
	s.Delay.Loop, s.Delay.LoopKnown = 0, false
	s.Roster = others
	return s
}

// team are n others, some of whom speak and some are muted.
func team(n int) []callstate.Participant {
	names := []string{"Ada Lovelace", "Grace Hopper", "Alan", "somebody", "Maria Sibylla Merian", "Kurt"}
	all := make([]callstate.Participant, n)
	for i := range all {
		p := callstate.Participant{ID: fmt.Sprint(i + 1), Name: names[i%len(names)], Level: callstate.SilentLevel}
		if i >= len(names) {
			p.Name = fmt.Sprintf("Agent %d", i+1)
		}
		switch i {
		case 1, 30:
			p.Speaking, p.Level = true, -19
		case 2:
			p.Held = true
		case 3:
			p.Muted = true
		case 4:
			p.Speaking, p.Level = true, -42
		}
		all[i] = p
	}
	return all
}

// lostRoomSnapshot is a room over a link that broke.
func lostRoomSnapshot() callstate.Snapshot {
	s := roomSnapshot(team(5)...)
	s.State, s.Link = callstate.Reconnecting, lostSnapshot().Link
	return s
}

// hostileSnapshot has the worst that comes from outside, and huge figures.
func hostileSnapshot() callstate.Snapshot {
	s := liveSnapshot()
	s.Server = "\x1b[31mevil\x1b]0;title\x07\x9b5n.example.org:50051 \u202egnp.exe"
	s.Destination = "room/呼叫中心の日本語の長い部屋の名前👩‍👩‍👧‍👦e\u0301\u0301\u0301\u0301\u0301\x00\r\nand\tmore"
	s.MicrophoneOpen = &audio.Endpoint{
		Name: "Καλώδιο ❤️ \u0007\u009b31m " + string(make([]rune, 5000)) + "最終端末最終端末最終端末最終端末", Backend: "pulse\naudio",
		Rate: 192000, Channels: 32, Period: 12345678 * time.Microsecond, Periods: 99999, Monitor: true,
	}
	s.Duration = 12345 * time.Hour
	s.Delay.RTT, s.Delay.Jitter = 1234*time.Hour, 99*time.Hour
	s.Delay.Buffer, s.Delay.Target = 99*time.Hour, 99*time.Hour
	s.Delay.MouthToEarEst, s.Delay.Loop = 99*time.Hour, -99*time.Hour
	s.Delay.Stages = append(s.Delay.Stages, callstate.Stage{Name: "長長長長長長長長長長長長", Delay: 1e18}, callstate.Stage{Delay: -1e9})
	s.Traffic = callstate.Traffic{
		Sent: 1 << 63, Received: 1<<64 - 1, Lost: 1<<64 - 5, Dropped: 1 << 60, Late: 1 << 62, ConcealedPct: 1e9,
		Underruns: 1<<64 - 1, Overruns: 1<<64 - 1,
	}
	s.Quality.MOS, s.Quality.R, s.Quality.Delay, s.Quality.LossPct = -1e12, 1e300, 99*time.Hour, 1e9
	s.Counts = callstate.Counts{
		Inserted: 1<<64 - 1, Concealed: 1<<64 - 1, Interruptions: 1<<64 - 1, InterruptionDuration: 1<<63 - 1,
		ClockDriftPPM: -1e300, EarLimited: 1<<64 - 1, BufferMean: -1 << 62, TargetMean: 1<<63 - 1,
	}
	s.Remote = callstate.Remote{
		Known: true, Plays: true, Received: 1<<64 - 1, ConcealedPct: 1e18, Jitter: 1<<63 - 1, MOS: 1e300, Counts: s.Counts,
	}
	s.CleanUp.Gain, s.CleanUp.CanDenoise = 1e300, false
	s.Gains = callstate.Gains{Microphone: 1e300, Earpiece: math.NaN()}
	s.Talk.Left, s.Held = -1<<63, true
	s.Training = callstate.Training{Delay: 1<<63 - 1, Jitter: 1<<63 - 1, LossPct: 1e300}
	s.Timeline = append(minutes(1000), callstate.Moment{Delay: 1<<63 - 1, MOS: 1e300, Marks: 255}, callstate.Moment{Delay: -1 << 63, MOS: math.NaN()})
	s.Verdict.Troubles = append(culprits(), callstate.Trouble{Kind: 99, Severity: 99, Text: "\x1b[2J長い名前長い名前\u202e", Effect: "\x9b31m"})
	s.Link = callstate.Link{
		State: callstate.LinkProblem, Server: "\x1b[31m長い名前長い名前長い名前\u202e", Quiet: 1<<63 - 1, GiveUpIn: -1 << 62,
		Resumes: 1<<64 - 1, Gap: 1<<63 - 1, Draining: true,
	}
	s.MicrophoneEnd = callstate.End{State: callstate.EndGone, Since: -1 << 62, Reopens: 1<<64 - 1}
	s.EarpieceEnd = callstate.End{State: callstate.EndStalled, Since: 1<<63 - 1, Reopens: 1<<64 - 1}
	s.Silence, s.SilentFor = callstate.FlatLevel, 1<<63-1
	s.Protection.Gain, s.Protection.Limited = -1e300, 1<<64-1
	s.Roster = team(60)
	for i, name := range []string{"\x1b[2J\x9b31m\u202eevil", "", "長い名前長い名前長い名前長い名前長い名前", "👩‍👩‍👧‍👦e\u0301\u0301\u0301\u0301", "a\nb\tc\x00"} {
		s.Roster[i] = callstate.Participant{ID: "x", Name: name, Speaking: true, Level: 1<<31 - 1 - i}
	}
	s.Roster[5].Level, s.Roster[6].Level = -1<<31, 99999
	s.Unlisted = 1 << 40
	return s
}

// scene is a screen that a test looks at.
type scene struct {
	name   string
	snap   callstate.Snapshot
	notice callstate.Notice
	keys   []string
}

func scenes() []scene {
	down := callstate.Notice{
		Severity: callstate.Failure,
		Text:     "The server 127.0.0.1:50051 does not answer. Start it with \"bin/server\", or name another one with --server HOST:PORT, then press d.",
	}
	return []scene{
		{name: "idle", snap: idleSnapshot()},
		{name: "dialing", snap: dialingSnapshot()},
		{name: "live", snap: liveSnapshot(), notice: callstate.Notice{Text: "echo answered."}},
		{name: "after", snap: afterSnapshot(), notice: callstate.Notice{Text: "The call has ended."}},
		{name: "good", snap: goodSnapshot()},
		{name: "muted", snap: mutedSnapshot()},
		{name: "listen-only", snap: listenOnlySnapshot()},
		{name: "speak-only", snap: speakOnlySnapshot()},
		{name: "encrypted-details", snap: listenOnlySnapshot(), keys: []string{"i"}},
		{name: "met", snap: listenOnlySnapshot(), notice: callstate.Notice{
			Severity: callstate.Warning,
			Text:     "Met server desk.example:50051 for the first time: its key SHA256:uFm2nqV3aJ8rYc5Zt0pKxE1wLdQ7hB4sGvT6oRiN9kM is remembered. Compare it with what the server printed.",
		}},
		{name: "refused", snap: idleSnapshot(), notice: callstate.Notice{
			Severity: callstate.Failure,
			Text:     "server desk.house.example:50051 was refused, somebody may be in between: its key was SHA256:uFm2nqV3aJ8rYc5Zt0pKxE1wLdQ7hB4sGvT6oRiN9kM and is SHA256:f8CGU7s1/VBfHK80UyAc5cMPUirzxN1qyfu/8M4KsJg; if its administrator confirms this: softphone trust forget desk.house.example:50051",
		}},
		{name: "held", snap: heldSnapshot()},
		{name: "talk", snap: talkSnapshot()},
		{name: "training", snap: trainingSnapshot()},
		{name: "culprits", snap: suffering(culprits()...)},
		{name: "clip", snap: clippedSnapshot(), notice: callstate.Notice{Severity: callstate.Warning, Text: "The network is slow: the other side hears you late."}},
		{name: "ending", snap: endingSnapshot()},
		{name: "quiet", snap: quietSnapshot(), notice: callstate.Notice{Text: "echo answered."}},
		{name: "reconnecting", snap: lostSnapshot()},
		{name: "reconnecting-details", snap: lostSnapshot(), keys: []string{"i"}},
		{name: "draining", snap: drainingSnapshot()},
		{name: "gone", snap: goneSnapshot()},
		{name: "gone-details", snap: goneSnapshot(), keys: []string{"i"}},
		{name: "zeros", snap: silentSnapshot(), notice: callstate.Notice{
			Severity: callstate.Warning, Text: "Nobody hears you: the microphone brings exact zeros. Is it muted on the headset?",
		}},
		{name: "flat", snap: flatSnapshot()},
		{name: "room", snap: roomSnapshot(team(5)...), notice: callstate.Notice{Text: "Kurt joined."}},
		{name: "room-alone", snap: roomSnapshot()},
		{name: "room-large", snap: roomSnapshot(team(99)...)},
		{name: "room-reconnecting", snap: lostRoomSnapshot()},
		{name: "help", snap: liveSnapshot(), keys: []string{"?"}},
		{name: "details", snap: liveSnapshot(), keys: []string{"i"}},
		{name: "delay", snap: liveSnapshot(), keys: []string{"w"}},
		{name: "room-3", snap: roomSnapshot(team(3)...)},
		{name: "hostile details", snap: hostileSnapshot(), keys: []string{"i"}},
		{name: "prompt", snap: idleSnapshot(), keys: []string{"/", "room/sales"}},
		{name: "quit", snap: liveSnapshot(), keys: []string{"q"}},
		{name: "server-down", snap: idleSnapshot(), notice: down},
		{name: "hostile", snap: hostileSnapshot(), notice: callstate.Notice{
			Severity: callstate.Failure,
			Text:     "\x1b[2J\x1b]52;c;AAAA\x07長い文長い文長い文長い文長い文長い文長い文 averyveryveryveryveryveryveryveryveryveryveryverylongword \u202e\n\n\nx",
		}},
		{name: "hostile prompt", snap: idleSnapshot(), keys: []string{"/", "room/長い名前長い名前長い名前長い名前長い名前👩‍👩‍👧‍👦e\u0301\u0301\u0301"}},
		{name: "leaving", snap: liveSnapshot(), keys: []string{"q", "y"}},
		{name: "empty", snap: callstate.Snapshot{}},
	}
}

// stage sets up a model for a scene.
func (s scene) stage() *model {
	m := newModel(newFakePhone(s.snap), Options{Destination: "echo"})
	m.Update(snapshotMsg{Snapshot: s.snap, at: time.Unix(1000, 0)})
	if s.notice.Text != "" {
		m.Update(noticeMsg(s.notice))
	}
	for _, k := range s.keys {
		m.Update(press(k))
	}
	return m
}

// draw is the view of a scene at 80 by 24.
func (s scene) draw() string { return s.stage().View() }

// press is the message of a key, or of text typed at once.
func press(name string) tea.KeyMsg {
	switch name {
	case "enter":
		return tea.KeyMsg{Type: tea.KeyEnter}
	case "esc":
		return tea.KeyMsg{Type: tea.KeyEsc}
	case "ctrl+c":
		return tea.KeyMsg{Type: tea.KeyCtrlC}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}
