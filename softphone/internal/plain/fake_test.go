package plain_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/plain"
)

// fakePhone is a line that obeys at once, but for the answer, which a test gives.
type fakePhone struct {
	mu        sync.Mutex
	calls     []string
	snap      callstate.Snapshot
	looks     int
	screen    string // of the newest black box
	directory callstate.Directory
	deaf      bool // it obeys nothing

	notices chan callstate.Notice
	changed chan struct{}
}

func newFakePhone() *fakePhone {
	return &fakePhone{
		snap: idle(), notices: make(chan callstate.Notice, 8), changed: make(chan struct{}, 1),
		directory: callstate.Directory{
			Favourites: []callstate.Contact{{Name: "Support", Destination: "room/support"}, {Destination: "tone"}},
			Recent:     []callstate.Contact{{Name: "Support", Destination: "room/support"}},
			Contacts:   []callstate.Contact{{Name: "Ada Lovelace", Destination: "room/ada"}, {Name: "Ada", Destination: "room/ada2"}},
		},
	}
}

func idle() callstate.Snapshot {
	return callstate.Snapshot{
		Server: "127.0.0.1:50051", Destination: "echo", Sounds: true,
		CleanUp:    callstate.CleanUp{HighPass: true, Denoise: true, CanDenoise: true, Level: true},
		Protection: callstate.Protection{On: true, Ceiling: -6},
	}
}

// live is a call that was answered.
func live() callstate.Snapshot {
	const ms = time.Millisecond
	s := idle()
	s.State, s.CallID, s.Duration = callstate.Live, "7f1c", 754*time.Second
	s.Microphone = callstate.Meter{Peak: -12.3, RMS: -22.1, Hold: -8.4}
	s.Earpiece = callstate.Meter{Peak: -24.8, RMS: -33.5, Hold: -19.9}
	s.MicrophoneOpen = &audio.Endpoint{Name: "USB Headset Mono", Rate: 48000, Channels: 1, Period: 10 * ms}
	s.EarpieceOpen = &audio.Endpoint{Name: "USB Headset Stereo", Rate: 44100, Channels: 2, Period: 10 * ms}
	s.Codec, s.FrameMS = "opus", 20
	s.Delay = callstate.Delay{
		RTT: 23400 * time.Microsecond, RTTKnown: true, Jitter: 2140 * time.Microsecond, Buffer: 41 * ms, Target: 40 * ms,
		MouthToEarEst: 84 * ms, Loop: 128 * ms, LoopKnown: true,
		Stages: []callstate.Stage{
			{Name: "microphone period", Delay: 10 * ms},
			{Name: "frame", Delay: 20 * ms, Measured: true},
			{Name: "up", Delay: 11700 * time.Microsecond},
			{Name: "buffer", Delay: 42300 * time.Microsecond, Measured: true},
		},
	}
	s.Traffic = callstate.Traffic{Sent: 37712, Received: 37690, Dropped: 3, Late: 19, ConcealedPct: 0.12}
	s.Quality = callstate.Quality{Known: true, R: 89.7, MOS: 4.38, Delay: 148 * ms, DelayMOS: 0.02, LossPct: 0.12, LossMOS: 0.01}
	s.Counts = callstate.Counts{Concealed: 21600, ConcealmentEvents: 31, Stalls: 2, StallDuration: 420 * ms, BackToLive: 120 * ms, Quick: 2, ClockDriftPPM: -38}
	s.Remote = callstate.Remote{Known: true, Plays: true, Received: 37700, Late: 4, ConcealedPct: 0.31, Jitter: 1900 * time.Microsecond, Buffer: 38 * ms, MOS: 4.36}
	s.CleanUp.Gain = 6.2
	s.Timeline = []callstate.Moment{{Delay: 124 * ms, MOS: 4.38}, {Delay: 301 * ms, MOS: 3.1, Marks: callstate.MarkStall}, {Marks: callstate.MarkMuted}}
	s.Verdict = callstate.Verdict{Good: "You are heard, confirmed 0.2 s ago.", Heard: true}
	return s
}

func (p *fakePhone) did(name string, effect func(*callstate.Snapshot)) {
	p.mu.Lock()
	p.calls = append(p.calls, name)
	if effect != nil && !p.deaf {
		effect(&p.snap)
	}
	p.mu.Unlock()
	p.signal()
}

func (p *fakePhone) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// set changes the state and says so.
func (p *fakePhone) set(change func(*callstate.Snapshot)) {
	p.mu.Lock()
	change(&p.snap)
	p.mu.Unlock()
	p.signal()
}

// answer makes the call that is dialed a live one.
func (p *fakePhone) answer() {
	p.set(func(s *callstate.Snapshot) {
		to := s.Destination
		*s = live()
		s.Destination = to
	})
}

func (p *fakePhone) Dial(to string) {
	if to == "" {
		to = "echo"
	}
	p.did("dial "+to, func(s *callstate.Snapshot) { s.State, s.Destination = callstate.Dialing, to })
}

func (p *fakePhone) HangUp() {
	var to string
	p.did("hang up", func(s *callstate.Snapshot) {
		to, s.State, s.Verdict = s.Destination, callstate.Idle, callstate.Verdict{}
		s.Muted, s.Held = false, false
	})
	if to != "" {
		p.notices <- callstate.Notice{Text: "Call to " + to + " ended after 12m34s."}
	}
}

func (p *fakePhone) ToggleMute() {
	p.did("toggle mute", func(s *callstate.Snapshot) {
		s.Muted = !s.Muted && !s.Talk.Open
		s.Talk.Open = false
	})
}

func (p *fakePhone) Talk() {
	p.did("talk", func(s *callstate.Snapshot) {
		s.Muted = s.Talk.Open
		s.Talk = callstate.Talk{Open: !s.Talk.Open, Left: 30 * time.Second}
	})
}

func (p *fakePhone) ToggleHold() {
	p.did("toggle hold", func(s *callstate.Snapshot) { s.Held = !s.Held })
}

func (p *fakePhone) ToggleHighPass() {
	p.did("high-pass", func(s *callstate.Snapshot) { s.CleanUp.HighPass = !s.CleanUp.HighPass })
}

func (p *fakePhone) ToggleDenoise() {
	p.did("denoise", func(s *callstate.Snapshot) { s.CleanUp.Denoise = !s.CleanUp.Denoise })
}

func (p *fakePhone) ToggleLevelControl() {
	p.did("level", func(s *callstate.Snapshot) { s.CleanUp.Level = !s.CleanUp.Level })
}

func (p *fakePhone) ToggleSounds() {
	p.did("sounds", func(s *callstate.Snapshot) { s.Sounds = !s.Sounds })
}
func (p *fakePhone) Digit(d rune) { p.did("digit "+string(d), nil) }

func (p *fakePhone) ChangeMicrophoneGain(dB float64) {
	p.did(fmt.Sprintf("mic %+g", dB), func(s *callstate.Snapshot) {
		s.Gains.Microphone = min(max(s.Gains.Microphone+dB, callstate.MinMicrophoneGain), callstate.MaxMicrophoneGain)
	})
}

func (p *fakePhone) ChangeEarpieceGain(dB float64) {
	p.did(fmt.Sprintf("ear %+g", dB), func(s *callstate.Snapshot) {
		s.Gains.Earpiece = min(max(s.Gains.Earpiece+dB, callstate.MinEarpieceGain), callstate.MaxEarpieceGain)
	})
}

func (p *fakePhone) Train(t callstate.Training) {
	p.did(fmt.Sprintf("train %v %v %g", t.Delay, t.Jitter, t.LossPct), func(s *callstate.Snapshot) { s.Training = t })
}

func (p *fakePhone) SaveBlackBox(screen string) {
	p.did("save", func(*callstate.Snapshot) { p.screen = screen })
	p.notices <- callstate.Notice{Text: "The last 60 s are in box-1.zip: both legs, figures, no secrets."}
}

func (p *fakePhone) Directory() callstate.Directory { return p.directory }

func (p *fakePhone) Snapshot() callstate.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	return p.snap
}

func (p *fakePhone) Notices() <-chan callstate.Notice { return p.notices }
func (p *fakePhone) Changed() <-chan struct{}         { return p.changed }

// took are the calls since the last time.
func (p *fakePhone) took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

func (p *fakePhone) looked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks
}

// transcript is a writer for what is printed.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
	all bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	return w.buf.Write(p)
}

// since is what was printed since the last time.
func (w *transcript) since() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.buf.Reset()
	return strings.TrimSuffix(w.buf.String(), "\n")
}

// desk is a line mode under test, in a bubble of package synctest.
type desk struct {
	t     *testing.T
	phone *fakePhone
	in    *io.PipeWriter
	out   *transcript
	done  chan error
}

// atDesk runs a test at a desk with a terminal, unless change says otherwise. The
// desk is left at the end.
func atDesk(t *testing.T, change func(*plain.Options), test func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		d := &desk{t: t, phone: newFakePhone(), in: w, out: &transcript{}, done: make(chan error, 1)}
		opts := plain.Options{Destination: "echo", Input: r, Output: d.out, Terminal: true}
		if change != nil {
			change(&opts)
		}
		go func() { d.done <- plain.Run(t.Context(), d.phone, opts) }()
		synctest.Wait()
		d.out.since()
		defer func() { _ = w.Close() }() // also where the test gives up
		test(d)
		_ = w.Close()
		if err := <-d.done; err != nil {
			t.Errorf("the desk ended with %v", err)
		}
	})
}

// types a line and returns what is printed of it.
func (d *desk) types(line string) string {
	d.t.Helper()
	d.out.since()
	if _, err := io.WriteString(d.in, line+"\n"); err != nil {
		d.t.Fatalf("type %q: %v", line, err)
	}
	synctest.Wait()
	return d.out.since()
}

// passes lets time pass and returns what is printed meanwhile.
func (d *desk) passes(t time.Duration) string {
	time.Sleep(t)
	synctest.Wait()
	return d.out.since()
}

// happens changes the state and returns what is printed of it.
func (d *desk) happens(change func(*callstate.Snapshot)) string {
	d.phone.set(change)
	synctest.Wait()
	return d.out.since()
}

// says lets the phone say something.
func (d *desk) says(n callstate.Notice) string {
	d.phone.notices <- n
	synctest.Wait()
	return d.out.since()
}

// call makes a call to that destination.
func (d *desk) call(to string) {
	d.types("dial " + to)
	d.phone.answer()
	synctest.Wait()
	d.phone.took()
	d.out.since()
}

// want compares what was printed.
func (d *desk) want(got string, lines ...string) {
	d.t.Helper()
	if want := strings.Join(lines, "\n"); got != want {
		d.t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
}

// fakeBench is a bench whose devices do what is asked at once.
type fakeBench struct {
	mu    sync.Mutex
	calls []string
	open  bool
	state callstate.Bench
}

func (b *fakeBench) did(name string, effect func(s *callstate.Bench)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, name)
	if effect != nil {
		effect(&b.state)
	}
}

func (b *fakeBench) Begin()           { b.did("begin", func(*callstate.Bench) { b.open = true }) }
func (b *fakeBench) End()             { b.did("end", func(*callstate.Bench) { b.open = false }) }
func (b *fakeBench) Choose(id string) { b.did("choose "+id, nil) }
func (b *fakeBench) Tone(id string) {
	b.did("tone "+id, func(s *callstate.Bench) { s.Earpieces[0].Tone = true })
}

func (b *fakeBench) Record(id string) {
	b.did("record "+id, func(s *callstate.Bench) {
		s.Recording = callstate.Recording{State: callstate.RecordListening, Device: id, Left: 3 * time.Second}
	})
}

func (b *fakeBench) State() callstate.Bench {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Microphones = append([]callstate.BenchDevice(nil), s.Microphones...)
	s.Earpieces = append([]callstate.BenchDevice(nil), s.Earpieces...)
	return s
}

func (b *fakeBench) set(change func(*callstate.Bench)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.state)
}

func (b *fakeBench) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

func benchState() callstate.Bench {
	return callstate.Bench{
		Microphones: []callstate.BenchDevice{
			{ID: "m0", Name: "Monitor of Built-in Audio", Monitor: true},
			{ID: "m1", Name: "USB Headset", Chosen: true, Open: &audio.Endpoint{}, Level: callstate.Meter{RMS: -24, Peak: -15, Hold: -12}},
			{ID: "m2", Name: "Web Camera", Default: true, Err: "It is in use by another program."},
		},
		Earpieces: []callstate.BenchDevice{{ID: "e1", Name: "USB Headset", Chosen: true}, {ID: "e2", Name: "Built-in Audio", Default: true}},
	}
}

// fakeCheck is a check that a test lets go on.
type fakeCheck struct {
	mu    sync.Mutex
	state callstate.Check
	open  bool
}

func (c *fakeCheck) Begin() { c.set(callstate.Check{Running: true, Total: 20 * time.Second}, true) }
func (c *fakeCheck) End()   { c.set(callstate.Check{}, false) }

func (c *fakeCheck) set(s callstate.Check, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.open = s, open
}

func (c *fakeCheck) State() callstate.Check {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// fakeHistory finds by the destination.
type fakeHistory struct {
	mu    sync.Mutex
	all   []callstate.Past
	state callstate.History
}

func (h *fakeHistory) Find(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = callstate.History{Find: text}
	for _, p := range h.all {
		if strings.Contains(p.Destination, text) {
			h.state.Calls = append(h.state.Calls, p)
		}
	}
}

func (h *fakeHistory) State() callstate.History {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}
