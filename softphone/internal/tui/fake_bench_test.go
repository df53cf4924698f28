package tui

import (
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// fakeBench is a Bench whose state the test sets.
type fakeBench struct {
	mu      sync.Mutex
	calls   []string
	open    int // Begin without End; 0 or 1
	worst   int // the most that it was
	states  int
	state   callstate.Bench
	panicAt string
}

func newFakeBench(state callstate.Bench) *fakeBench { return &fakeBench{state: state} }

func (b *fakeBench) call(name string) {
	b.mu.Lock()
	b.calls = append(b.calls, name)
	switch name {
	case "begin":
		b.open++
		b.worst = max(b.worst, b.open)
	case "end":
		b.open--
	case "state":
		b.calls = b.calls[:len(b.calls)-1]
		b.states++
	}
	bad := b.panicAt == name
	b.mu.Unlock()
	if bad {
		panic("broken " + name)
	}
}

func (b *fakeBench) Begin()           { b.call("begin") }
func (b *fakeBench) End()             { b.call("end") }
func (b *fakeBench) Tone(id string)   { b.call("tone " + id) }
func (b *fakeBench) Record(id string) { b.call("record " + id) }

func (b *fakeBench) Choose(id string) {
	b.call("choose " + id)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, list := range [][]callstate.BenchDevice{b.state.Microphones, b.state.Earpieces} {
		for i := range list {
			if list[i].ID == id {
				for j := range list {
					list[j].Chosen = i == j
				}
			}
		}
	}
}

func (b *fakeBench) State() callstate.Bench {
	b.call("state")
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Microphones = append([]callstate.BenchDevice(nil), s.Microphones...)
	s.Earpieces = append([]callstate.BenchDevice(nil), s.Earpieces...)
	return s
}

func (b *fakeBench) did() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.calls...)
}

// isOpen reports that microphones are live.
func (b *fakeBench) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open != 0
}

// benchState is a desk with a headset, what is built in, and a camera.
func benchState() callstate.Bench {
	const ms = time.Millisecond
	mono := &audio.Endpoint{Rate: 48000, Channels: 1, Period: 10 * ms, Periods: 3, Backend: "pulseaudio"}
	level := func(rms float64) callstate.Meter {
		return callstate.Meter{Peak: rms + 9, RMS: rms, Hold: rms + 12}
	}
	return callstate.Bench{
		Microphones: []callstate.BenchDevice{
			{ID: "m1", Name: "USB Headset Analog Mono", Backend: "pulseaudio", Chosen: true, InCall: true, Level: level(-24), Open: mono},
			{ID: "m2", Name: "Built-in Audio Analog Stereo", Backend: "pulseaudio", Default: true, Level: level(-57), Open: mono},
			{ID: "m3", Name: "HD Web Camera Mono", Backend: "pulseaudio", Level: silence, Err: "It is in use by another program: close that, or choose another microphone."},
			{ID: "m4", Name: "Monitor of Built-in Audio", Backend: "pulseaudio", Monitor: true, Level: silence, Open: mono},
		},
		Earpieces: []callstate.BenchDevice{
			{ID: "e1", Name: "USB Headset Analog Stereo", Backend: "pulseaudio", Chosen: true, InCall: true},
			{ID: "e2", Name: "Built-in Audio Analog Stereo", Backend: "pulseaudio", Default: true},
		},
	}
}

// goneBench has lost the headset while it recorded from it.
func goneBench() callstate.Bench {
	b := benchState()
	b.Microphones[0] = callstate.BenchDevice{ID: "m1", Name: "USB Headset Analog Mono", Chosen: true, Gone: true, Level: silence}
	b.Earpieces[0].Gone, b.Earpieces[0].InCall = true, false
	b.Recording.Err = "The recording ended: the microphone is gone."
	return b
}

// toneBench plays a tone, and back what was recorded.
func toneBench() callstate.Bench {
	b := benchState()
	b.Earpieces[0].Tone = true
	b.Earpieces[0].Open = &audio.Endpoint{Rate: 44100, Channels: 2, Period: 10 * time.Millisecond, Periods: 3, Backend: "pulseaudio"}
	b.Recording = callstate.Recording{State: callstate.RecordPlaying, Device: "m1", Left: 1300 * time.Millisecond, Peak: -12.3}
	return b
}

func recordingBench() callstate.Bench {
	b := benchState()
	b.Recording = callstate.Recording{State: callstate.RecordListening, Device: "m1", Left: 2100 * time.Millisecond}
	return b
}

// crowdedBench has more devices than any screen has lines.
func crowdedBench() callstate.Bench {
	b := callstate.Bench{}
	for i := range 70 {
		id := string(rune('A' + i))
		b.Microphones = append(b.Microphones, callstate.BenchDevice{ID: "m" + id, Name: "Microphone " + id, Level: silence})
		b.Earpieces = append(b.Earpieces, callstate.BenchDevice{ID: "e" + id, Name: "Earpiece " + id})
	}
	return b
}

// hostileBench has the worst that comes from outside.
func hostileBench() callstate.Bench {
	b := goneBench()
	evil := "\x1b[2J\x9b31m\u202e長い名前長い名前長い名前長い名前👩‍👩‍👧‍👦e\u0301\u0301\u0301\n\x00"
	b.Microphones[1] = callstate.BenchDevice{
		ID: evil, Name: evil, Backend: evil, Err: evil, Default: true, Chosen: true, InCall: true, Monitor: true,
		Level: callstate.Meter{Peak: 1e300, RMS: -1e300, Hold: 1e9, Clip: true},
		Open:  &audio.Endpoint{Name: evil, Backend: evil, Rate: 1 << 40, Channels: 1 << 30, Period: 1<<63 - 1},
	}
	b.Microphones[2].Name = ""
	b.Recording = callstate.Recording{State: callstate.RecordListening, Device: evil, Left: -1 << 62, Peak: 1e300, Err: evil}
	return b
}

func directory() callstate.Directory {
	return callstate.Directory{
		Favourites: []callstate.Contact{
			{Name: "Support", Destination: "room/support"},
			{Name: "Sales", Destination: "room/sales"},
			{Name: "Shift lead", Destination: "room/lead"},
			{Destination: "tone"},
		},
		Recent: []callstate.Contact{{Destination: "room/4711"}, {Name: "Support", Destination: "room/support"}, {Destination: "echo"}},
		Contacts: []callstate.Contact{
			{Name: "Ada Lovelace", Destination: "room/ada"},
			{Name: "Grace Hopper", Destination: "room/grace"},
			{Name: "Zoë Ångström", Destination: "room/zoe"},
		},
	}
}

// hostileDirectory is a directory that a settings file should not bring.
func hostileDirectory() callstate.Directory {
	d := callstate.Directory{}
	for i := range 3000 {
		c := callstate.Contact{Name: "\x1b[2J\u202e長い名前長い名前長い名前", Destination: "room/" + string(rune('a'+i%26)) + "\x07\n"}
		d.Favourites, d.Recent, d.Contacts = append(d.Favourites, c), append(d.Recent, c), append(d.Contacts, c)
	}
	return d
}

// deskScene is a scene of the screens beside the line.
type deskScene struct {
	name  string
	snap  callstate.Snapshot
	dir   callstate.Directory
	bench *callstate.Bench // told after the keys
	check *callstate.Check // and so is this
	past  *callstate.History
	note  string
	keys  []string
	more  []string // keys after they were told
}

func deskScenes() []deskScene {
	bench := func(b callstate.Bench) *callstate.Bench { return &b }
	all := []deskScene{
		{name: "idle-favourites", snap: idleSnapshot(), dir: directory()},
		{name: "dial", snap: idleSnapshot(), dir: directory(), keys: []string{"/"}},
		{name: "dial-filter", snap: idleSnapshot(), dir: directory(), keys: []string{"/", "sup", "down"}},
		{name: "dial-typed", snap: idleSnapshot(), dir: directory(), keys: []string{"/", "room/s"}},
		{name: "dial-none", snap: idleSnapshot(), dir: directory(), keys: []string{"/", "room/Q7 x"}},
		{name: "dial-refused", snap: idleSnapshot(), keys: []string{"/", "4711", "enter"}},
		{name: "devices", snap: liveSnapshot(), bench: bench(benchState()), keys: []string{"v"}},
		{name: "devices-idle", snap: idleSnapshot(), bench: bench(benchState()), keys: []string{"v"}, more: []string{"down", "down"}},
		{name: "devices-tone", snap: liveSnapshot(), bench: bench(toneBench()), keys: []string{"v"}, more: []string{"tab"}},
		{name: "devices-recording", snap: liveSnapshot(), bench: bench(recordingBench()), keys: []string{"v"}},
		{name: "devices-gone", snap: goneSnapshot(), bench: bench(goneBench()), keys: []string{"v"}},
		{name: "devices-many", snap: liveSnapshot(), bench: bench(crowdedBench()), keys: []string{"v"}, more: []string{"down", "pgdown", "pgdown"}},
		{name: "devices-looking", snap: idleSnapshot(), keys: []string{"v"}},
		{name: "devices-none", snap: idleSnapshot(), bench: bench(callstate.Bench{}), keys: []string{"v"}},
		{name: "devices-error", snap: idleSnapshot(), bench: &callstate.Bench{Err: "There is no sound server: start PulseAudio or PipeWire, then open this screen again."}, keys: []string{"v"}},
		{name: "training-open", snap: trainingSnapshot(), keys: []string{"t", "down"}},
		{name: "training-off", snap: liveSnapshot(), keys: []string{"t"}},
		{name: "help-idle", snap: idleSnapshot(), dir: directory(), keys: []string{"?"}},
		{name: "help-scrolled", snap: liveSnapshot(), keys: []string{"?", "down", "down", "pgdown", "pgdown", "pgdown"}},
		{name: "gain", snap: liveSnapshot(), keys: []string{"+"}},
		{name: "digits", snap: liveSnapshot(), keys: []string{"1", "2", "#"}},
		{name: "hostile devices", snap: hostileSnapshot(), bench: bench(hostileBench()), keys: []string{"v"}, more: []string{"down"}},
		{name: "hostile directory", snap: idleSnapshot(), dir: hostileDirectory(), keys: []string{"/", "room"}},
		{name: "hostile idle", snap: idleSnapshot(), dir: hostileDirectory()},
	}
	return append(all, shiftScenes()...)
}

// stage sets up a model for a scene.
func (s deskScene) stage() *model {
	phone := newFakePhone(s.snap)
	phone.directory = s.dir
	m := newModel(phone, Options{Destination: "echo", Bench: newFakeBench(callstate.Bench{}), Check: &fakeCheck{}, History: &fakeHistory{}})
	m.Update(snapshotMsg{Snapshot: s.snap, at: time.Unix(1000, 0)})
	for _, k := range s.keys {
		m.Update(pressed(k))
	}
	if s.bench != nil {
		m.Update(benchMsg(*s.bench))
	}
	if s.check != nil {
		first := *s.check
		first.Total = 20600 * time.Millisecond
		m.Update(checkMsg{first, time.Unix(1000, 0)})
		m.Update(checkMsg{*s.check, time.Unix(1001, 0)})
	}
	if s.note != "" {
		m.Update(noticeMsg{Text: s.note})
	}
	if s.past != nil {
		m.Update(historyMsg(*s.past))
	}
	for _, k := range s.more {
		m.Update(pressed(k))
	}
	return m
}

// pressed is press for all keys.
func pressed(name string) tea.KeyMsg {
	if t, ok := map[string]tea.KeyType{
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "tab": tea.KeyTab,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "f1": tea.KeyF1, "end": tea.KeyEnd, "shift+tab": tea.KeyShiftTab,
		"ctrl+n": tea.KeyCtrlN, "ctrl+p": tea.KeyCtrlP, "ctrl+u": tea.KeyCtrlU, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	}[name]; ok {
		return tea.KeyMsg{Type: t}
	}
	if plain, ok := strings.CutPrefix(name, "alt+"); ok {
		msg := pressed(plain)
		msg.Alt = true
		return msg
	}
	if name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	return press(name)
}
