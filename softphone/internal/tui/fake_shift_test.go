package tui

import (
	"fmt"
	"sync"
	"time"

	"callcenter/softphone/internal/callstate"
)

// fakeCheck is a Check whose state the test sets.
type fakeCheck struct {
	mu      sync.Mutex
	calls   []string
	open    int // Begin without End, however often
	states  int
	state   callstate.Check
	panicAt string
}

func (c *fakeCheck) call(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "state" {
		c.calls = append(c.calls, name)
	}
	switch name {
	case "begin":
		c.open = 1
	case "end":
		c.open--
	case "state":
		c.states++
	}
	if c.panicAt == name {
		panic("broken " + name)
	}
}

func (c *fakeCheck) Begin() { c.call("begin") }
func (c *fakeCheck) End()   { c.call("end") }

func (c *fakeCheck) State() callstate.Check {
	c.call("state")
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *fakeCheck) set(s callstate.Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
}

// looked is how often the state was asked for since the last time.
func (c *fakeCheck) looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.states
	c.states = 0
	return n
}

func (c *fakeCheck) did() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.calls...)
}

func (c *fakeCheck) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open != 0
}

// fakeHistory is a History whose state the test sets.
type fakeHistory struct {
	mu     sync.Mutex
	finds  []string
	states int
	state  callstate.History
}

func (h *fakeHistory) Find(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finds = append(h.finds, text)
	h.state.Find = text
}

func (h *fakeHistory) State() callstate.History {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states++
	return h.state
}

func (h *fakeHistory) set(s callstate.History) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = s
}

func (h *fakeHistory) looked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.states
	h.states = 0
	return n
}

func (h *fakeHistory) found() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.finds...)
}

// aShift is a screen with everything beside the line.
type aShift struct {
	*model
	phone *fakePhone
	bench *fakeBench
	check *fakeCheck
	past  *fakeHistory
}

func newShift(s callstate.Snapshot) aShift {
	d := aShift{phone: newFakePhone(s), bench: newFakeBench(benchState()), check: &fakeCheck{}, past: &fakeHistory{}}
	d.phone.directory = directory()
	d.model = newModel(d.phone, Options{Destination: "echo", Bench: d.bench, Check: d.check, History: d.past})
	d.Update(snapshotMsg{Snapshot: s, at: time.Unix(1000, 0)})
	return d
}

// tell brings a state of the check.
func (d aShift) tell(c callstate.Check) { d.Update(checkMsg{c, time.Unix(1000, 0)}) }

// The states of the check.

func beganCheck() callstate.Check {
	return callstate.Check{
		Running: true, Ask: "Be silent for 4 seconds.", Left: 3100 * time.Millisecond, Total: 19100 * time.Millisecond,
		Level: callstate.Meter{Peak: -48.2, RMS: -57.1, Hold: -44},
		Lines: []callstate.CheckLine{
			{Key: "server", Title: "Server", Grade: callstate.GradePass, Finding: "127.0.0.1:50051 answers in 0.6 ms, callcenter 1.7"},
			{Key: "microphone", Title: "Microphone", Grade: callstate.GradePass, Finding: "USB Headset Analog Mono, 48 kHz, 1 ch"},
			{Key: "earpiece", Title: "Earpiece", Grade: callstate.GradePass, Finding: "USB Headset Analog Stereo, 44.1 kHz, 2 ch"},
			{Key: "noise", Title: "Noise floor"},
		},
	}
}

func speakingCheck() callstate.Check {
	c := beganCheck()
	c.Ask = "Speak as in a call. Read this: “Good morning, and thank you for calling. My name is on your screen. How may I help you today?” Go on until this is over."
	c.Left, c.Total = 4200*time.Millisecond, 9700*time.Millisecond
	c.Level = callstate.Meter{Peak: -14.1, RMS: -23.4, Hold: -9.8}
	c.Lines[3].Grade, c.Lines[3].Finding = callstate.GradePass, "-58 dBFS; below -50 is quiet"
	c.Lines = append(c.Lines, callstate.CheckLine{Key: "speech_level", Title: "Speech level"})
	return c
}

// doneCheck is a check that found one failure and two warnings.
func doneCheck() callstate.Check {
	return callstate.Check{Done: true, Grade: callstate.GradeFail, Lines: []callstate.CheckLine{
		{Key: "server", Title: "Server", Grade: callstate.GradePass, Finding: "127.0.0.1:50051 answers in 0.6 ms, callcenter 1.7"},
		{Key: "microphone", Title: "Microphone", Grade: callstate.GradePass, Finding: "USB Headset Analog Mono, 48 kHz, 1 ch, 3 × 10 ms"},
		{Key: "earpiece", Title: "Earpiece", Grade: callstate.GradePass, Finding: "USB Headset Analog Stereo, 44.1 kHz, 2 ch, 3 × 10 ms"},
		{Key: "noise", Title: "Noise floor", Grade: callstate.GradePass, Finding: "-58 dBFS; below -50 is quiet"},
		{
			Key: "speech_level", Title: "Speech level", Grade: callstate.GradeWarn, Finding: "-31.4 dBFS; -22 ± 6 is good",
			Advice: "Turn the microphone up by 9 dB with +, or bring it nearer to the mouth: two fingers from its corner is right.",
		},
		{Key: "clipping", Title: "Clipping", Grade: callstate.GradePass, Finding: "none; the highest peak was -9.8 dBFS"},
		{
			Key: "echo", Title: "Echo of the ear", Grade: callstate.GradeFail, Finding: "-20.3 dB after 120 ms in the microphone",
			Advice: "The other side hears itself. Use a headset instead of loudspeakers, or turn the ear volume down with <.",
		},
		{Key: "loop", Title: "Loop", Grade: callstate.GradePass, Finding: "118 ms there and back, jitter 1.2 ms"},
		{
			Key: "drift", Title: "Drift", Grade: callstate.GradeWarn, Finding: "+301 ppm between the clocks of microphone and server",
			Advice: "Plug the headset into another USB port, without a hub.",
		},
		{Key: "versions", Title: "Versions", Grade: callstate.GradePass, Finding: "softphone 1.7, server 1.7"},
	}}
}

func goodCheck() callstate.Check {
	c := doneCheck()
	c.Lines = append([]callstate.CheckLine(nil), c.Lines...)
	for i := range c.Lines {
		c.Lines[i].Grade, c.Lines[i].Advice = callstate.GradePass, ""
	}
	c.Grade = callstate.GradePass
	return c
}

// hostileCheck has the worst that comes from outside, and more than there is room for.
func hostileCheck() callstate.Check {
	c := doneCheck()
	evil := "\x1b[2J\x9b31m\u202e長い名前長い名前長い名前長い名前👩‍👩‍👧‍👦e\u0301\u0301\u0301\n\x00"
	for range 300 {
		c.Lines = append(c.Lines, callstate.CheckLine{Key: evil, Title: evil, Grade: 99, Finding: evil + string(make([]byte, 9000)), Advice: evil})
	}
	c.Lines[0] = callstate.CheckLine{Grade: -1, Advice: "averyveryveryveryveryveryveryveryveryveryveryverylongword"}
	c.Running, c.Ask, c.Left, c.Total = true, evil, -1<<63, 1<<63-1
	c.Level = callstate.Meter{Peak: 1e300, RMS: -1e300, Hold: 1e9, Clip: true}
	return c
}

// The states of the history.

func at0(day, hour, minute int) time.Time {
	return time.Date(2026, time.November, day, hour, minute, 7, 0, time.Local)
}

func calls() callstate.History {
	const ms = time.Millisecond
	return callstate.History{Calls: []callstate.Past{
		{
			CallID: "7f1c9a", Start: at0(26, 8, 12), Length: 12*time.Minute + 34*time.Second, Destination: "room/support", Name: "Support",
			Server: "10.0.0.1:50051", MOS: 4.3, WorstMOS: 2.6, ConcealedPct: 0.31, Gaps: 2, Gap: 4400 * ms, Ended: "hung up",
		},
		{CallID: "7f1c99", Start: at0(26, 7, 58), Length: 83 * time.Second, Destination: "echo", Server: "10.0.0.1:50051", MOS: 4.4, WorstMOS: 4.4, Ended: "hung up"},
		{
			CallID: "7f1c98", Start: at0(25, 17, 3), Destination: "room/sales", Name: "Sales", Server: "10.0.0.2:50051", Ended: "failed",
			Err: "The server 10.0.0.2:50051 does not answer: is it running, and is the address right?",
		},
		{
			CallID: "7f1c97", Start: at0(25, 16, 41), Length: 3*time.Hour + 2*time.Minute + time.Second, Destination: "room/a.room.with.a.very.long.name.indeed",
			Name: "Maria Sibylla Merian", Server: "10.0.0.1:50051", MOS: 3.1, WorstMOS: 1.4, ConcealedPct: 7.2, Ended: "cut",
		},
		{CallID: "7f1c96", Start: at0(24, 9, 0), Length: 41 * time.Second, Destination: "room/zoe", Name: "Zoë Ångström", Server: "10.0.0.1:50051", Gaps: 1, Gap: 31 * time.Second, Ended: "connection lost"},
		{CallID: "7f1c95", Start: at0(24, 8, 55), Length: 7 * time.Second, Destination: "tone", Server: "10.0.0.1:50051", MOS: 4.2, Ended: "the server ended it"},
	}}
}

func manyCalls() callstate.History {
	h := callstate.History{More: true}
	for i := range 200 {
		c := calls().Calls[i%6]
		c.CallID = fmt.Sprint("call ", i)
		c.Start = c.Start.AddDate(0, 0, -i)
		h.Calls = append(h.Calls, c)
	}
	return h
}

// hostileHistory is a damaged one.
func hostileHistory() callstate.History {
	evil := "\x1b[2J\x9b31m\u202e長い名前長い名前長い名前長い名前👩‍👩‍👧‍👦e\u0301\u0301\u0301\n\x00"
	h := callstate.History{Find: evil, Calls: calls().Calls, More: true, Busy: true}
	for range 3000 {
		h.Calls = append(h.Calls, callstate.Past{
			CallID: evil, Start: time.Unix(1<<40, 0), Length: 1<<63 - 1, Destination: evil, Name: evil, Server: evil,
			MOS: 1e300, WorstMOS: -1e300, ConcealedPct: 1e300, Gaps: 1<<64 - 1, Gap: 1<<63 - 1, Ended: evil, Err: evil,
		})
	}
	h.Calls[0].Length, h.Calls[0].Start, h.Calls[0].Gap, h.Calls[0].MOS = -1<<63, time.Time{}, -1<<63, 1e9
	return h
}

// shiftScenes are the scenes of the check and of the history.
func shiftScenes() []deskScene {
	check := func(c callstate.Check) *callstate.Check { return &c }
	past := func(h callstate.History) *callstate.History { return &h }
	return []deskScene{
		{name: "check-begins", snap: idleSnapshot(), keys: []string{"c"}},
		{name: "check-silent", snap: idleSnapshot(), check: check(beganCheck()), keys: []string{"c"}},
		{name: "check-speak", snap: idleSnapshot(), check: check(speakingCheck()), keys: []string{"c"}},
		{name: "check-bad", snap: idleSnapshot(), check: check(doneCheck()), keys: []string{"c"}},
		{name: "check-scrolled", snap: idleSnapshot(), check: check(doneCheck()), keys: []string{"c"}, more: []string{"down", "pgdown", "pgdown", "pgdown", "pgdown"}},
		{name: "check-good", snap: idleSnapshot(), check: check(goodCheck()), keys: []string{"c"}},
		{name: "check-error", snap: idleSnapshot(), check: &callstate.Check{Err: "There is no microphone: plug the headset in, then press enter."}, keys: []string{"c"}},
		{name: "check-in-a-call", snap: liveSnapshot(), keys: []string{"c", "?"}},
		{name: "history", snap: idleSnapshot(), past: past(calls()), keys: []string{"y"}},
		{name: "history-failed", snap: afterSnapshot(), past: past(calls()), keys: []string{"y"}, more: []string{"down", "down"}},
		{name: "history-in-a-call", snap: liveSnapshot(), past: past(calls()), keys: []string{"y"}, more: []string{"down", "down", "down"}},
		{name: "history-many", snap: idleSnapshot(), past: past(manyCalls()), keys: []string{"y"}, more: []string{"end", "pgup"}},
		{name: "history-search", snap: idleSnapshot(), past: past(callstate.History{Find: "sup", Calls: calls().Calls[:1]}), keys: []string{"y", "/", "sup"}},
		{name: "history-found", snap: idleSnapshot(), past: past(callstate.History{Find: "hung", Calls: calls().Calls[:2]}), keys: []string{"y", "/", "hung", "enter"}},
		{name: "history-none-found", snap: idleSnapshot(), past: past(callstate.History{Find: "nobody"}), keys: []string{"y", "/", "nobody"}},
		{name: "history-empty", snap: idleSnapshot(), past: past(callstate.History{}), keys: []string{"y"}},
		{name: "history-busy", snap: idleSnapshot(), past: past(callstate.History{Busy: true}), keys: []string{"y"}},
		{name: "history-error", snap: idleSnapshot(), past: past(callstate.History{Err: "The history cannot be read: history.db is in use by another program. Close that, then open this screen again."}), keys: []string{"y"}},
		{name: "saved", snap: quietSnapshot(), keys: []string{"!"}, note: theBox},
		{name: "saved-delay", snap: liveSnapshot(), keys: []string{"w", "!"}, note: theBox},
		{name: "saved-after", snap: afterSnapshot(), keys: []string{"!"}, note: theBox},
		{name: "hostile check", snap: idleSnapshot(), check: check(hostileCheck()), keys: []string{"c"}, more: []string{"down", "end"}},
		{name: "hostile history", snap: hostileSnapshot(), past: past(hostileHistory()), keys: []string{"y"}, more: []string{"down", "end", "up"}},
		{name: "hostile search", snap: idleSnapshot(), past: past(hostileHistory()), keys: []string{"y", "/", "長い名前長い名前長い名前長い名前👩‍👩‍👧‍👦e\u0301\u0301\u0301"}},
	}
}
