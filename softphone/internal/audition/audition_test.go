package audition_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/softphone/internal/audition"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryMicrophoneIsHeardButNoMonitor(t *testing.T) {
	monitor := microphone("ear.monitor")
	monitor.Monitor = true
	h := newHardware(monitor, microphone("a"), microphone("b"), earpiece("ear"))
	h.devices[2].Default = true
	h.level["a"], h.level["b"] = 3277, 328
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		s := b.State()
		if s.Listing || s.Err != "" || len(s.Microphones) != 3 || len(s.Earpieces) != 1 {
			t.Fatalf("state %+v", s)
		}
		if s.Microphones[2].ID != monitor.ID {
			t.Errorf("the monitor is not the last of %+v", s.Microphones)
		}
		for id, want := range map[string]float64{"a": dBFS(3277), "b": dBFS(328)} {
			d := mic(t, b, id)
			if !near(d.Level.Peak, want, 0.1) || !near(d.Level.RMS, want, 0.1) || d.Open == nil || d.Open.Rate != audio.Rate {
				t.Errorf("%q shows %+v", id, d)
			}
		}
		if d := mic(t, b, "ear.monitor"); d.Open != nil || !d.Monitor || d.Level.Peak != level.Floor {
			t.Errorf("the monitor shows %+v", d)
		}
		if d := mic(t, b, "b"); !d.Default || d.Chosen || d.Backend != "test" || d.Name != "Name of b" {
			t.Errorf("the default shows %+v", d)
		}
		b.End()
		time.Sleep(100 * time.Millisecond)
		if s := b.State(); s.Listing || len(s.Microphones) != 0 || h.count("a") != 0 || h.count("b") != 0 {
			t.Errorf("ended: %+v, open %d", s, h.all())
		}
		b.Begin()
		time.Sleep(500 * time.Millisecond)
		if d := mic(t, b, "a"); d.Open == nil {
			t.Errorf("begun again: %+v", d)
		}
	})
}

func TestADeviceThatHangsOrRefusesDelaysNoOther(t *testing.T) {
	h := newHardware(microphone("stuck"), microphone("busy"), microphone("good"), earpiece("ear"))
	h.refuses["busy"] = "open microphone: in use"
	h.level["good"] = 1000
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		hung := make(chan struct{})
		defer close(hung)
		h.do(func() { h.stuck = map[string]chan struct{}{"stuck": hung} })
		b.End()
		time.Sleep(100 * time.Millisecond)
		b.Begin()
		time.Sleep(500 * time.Millisecond)
		if d := mic(t, b, "stuck"); d.Open != nil || d.Err != "" {
			t.Errorf("the one that hangs shows %+v", d)
		}
		if d := mic(t, b, "good"); d.Open == nil || d.Level.Peak < -40 {
			t.Errorf("the good one shows %+v", d)
		}
		if d := mic(t, b, "busy"); d.Open != nil || d.Err != "open microphone: in use" {
			t.Errorf("the busy one shows %+v", d)
		}
		h.do(func() { delete(h.refuses, "busy") })
		time.Sleep(4 * time.Second)
		if d := mic(t, b, "busy"); d.Open == nil || d.Err != "" {
			t.Errorf("the one that was busy shows %+v", d)
		}
	})
}

func TestAFrozenSoundSystemHoldsUpNothing(t *testing.T) {
	h := newHardware(microphone("stuck"), microphone("good"))
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		frozen := make(chan struct{})
		h.do(func() { h.stuck = map[string]chan struct{}{"stuck": frozen} })
		b.End()
		time.Sleep(100 * time.Millisecond)
		b.Begin()
		time.Sleep(80 * time.Millisecond) // it is listed, and opens
		h.do(func() { h.frozen = frozen })
		for range 60 { // in and out of the screen, over and over
			b.End()
			time.Sleep(2100 * time.Millisecond)
			b.Begin()
			time.Sleep(100 * time.Millisecond)
		}
		if !b.State().Listing {
			t.Errorf("it lists: %+v", b.State())
		}
		began := time.Now()
		b.End()
		close(frozen)
		time.Sleep(time.Second)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		h.do(func() { h.frozen = nil })
	})
}

func TestWhatIsPluggedAndUnpluggedIsSeen(t *testing.T) {
	h := newHardware(microphone("a"), earpiece("ear"))
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		both := h.devices
		h.do(func() { h.devices = []sound.Info{earpiece("ear"), microphone("new")} })
		time.Sleep(1500 * time.Millisecond)
		if d := mic(t, b, "a"); !d.Gone || d.Open != nil || h.count("a") != 0 || b.State().Microphones[0].ID != "a" {
			t.Errorf("unplugged: %+v, %d open", d, h.count("a"))
		}
		if d := mic(t, b, "new"); d.Gone || d.Open == nil {
			t.Errorf("plugged in: %+v", d)
		}
		h.do(func() { h.devices = both })
		time.Sleep(1500 * time.Millisecond)
		if d := mic(t, b, "a"); d.Gone || d.Open == nil || h.count("a") != 1 {
			t.Errorf("back: %+v, %d open", d, h.count("a"))
		}
		for n := range 300 { // a cable that is loose, with a new id each time
			h.do(func() { h.devices = []sound.Info{microphone(fmt.Sprintf("loose%d", n))} })
			time.Sleep(1200 * time.Millisecond)
		}
		if s := b.State(); len(s.Microphones) > 64 || s.Microphones[len(s.Microphones)-1].ID != "loose299" {
			t.Errorf("%d microphones are shown", len(s.Microphones))
		}
	})
}

func TestAListThatFailsIsSaidAndTriedAgain(t *testing.T) {
	h := newHardware(microphone("a"))
	h.err = errors.New("list sound devices: no sound system")
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		if s := b.State(); s.Listing || s.Err != h.err.Error() || len(s.Microphones) != 0 {
			t.Errorf("state %+v", s)
		}
		h.do(func() { h.err = nil })
		time.Sleep(3 * time.Second)
		if s := b.State(); s.Err != "" || len(s.Microphones) != 1 || mic(t, b, "a").Open == nil {
			t.Errorf("state %+v", s)
		}
		h.do(func() { h.err = errors.New("the server died") })
		time.Sleep(3 * time.Second)
		if s := b.State(); s.Err != "the server died" || !mic(t, b, "a").Gone || h.count("a") != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestTheToneIsHeardOnOneEarpieceAndEnds(t *testing.T) {
	h := newHardware(earpiece("left"), earpiece("right"))
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		b.Tone("left")
		time.Sleep(time.Second)
		if d := ear(t, b, "left"); !d.Tone || d.Open == nil || ear(t, b, "right").Tone {
			t.Errorf("left shows %+v", d)
		}
		b.Tone("right")
		time.Sleep(time.Second)
		if ear(t, b, "left").Tone || !ear(t, b, "right").Tone || h.count("left") != 0 {
			t.Errorf("earpieces %+v", b.State().Earpieces)
		}
		b.Tone("right")
		time.Sleep(200 * time.Millisecond)
		if ear(t, b, "right").Tone || h.count("right") != 0 {
			t.Errorf("stopped: %+v", b.State().Earpieces)
		}
		h.do(func() { clear(h.played) })
		b.Tone("right")
		time.Sleep(6 * time.Second)
		if ear(t, b, "right").Tone || h.count("right") != 0 {
			t.Errorf("after 6 s: %+v", b.State().Earpieces)
		}
		pcm := h.heard("right")
		if peak := level.Peak(pcm); !near(peak, -20, 0.1) {
			t.Errorf("the tone has %.2f dBFS, want -20", peak)
		}
		last := len(pcm) - 1
		for last > 0 && pcm[last] == 0 {
			last--
		}
		if d := audio.Duration(last); d < 4*time.Second || d > 5100*time.Millisecond {
			t.Errorf("the tone lasts %v", d)
		}
		for i := 1; i < len(pcm); i++ {
			if step := int(pcm[i]) - int(pcm[i-1]); step > 400 || step < -400 {
				t.Fatalf("a step of %d at %d: it clicks", step, i)
			}
		}
	})
}

func TestAnEarpieceThatFailsSaysWhy(t *testing.T) {
	h := newHardware(earpiece("busy"), earpiece("gone"))
	h.refuses["busy"] = "in use"
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		b.Tone("busy")
		time.Sleep(200 * time.Millisecond)
		if d := ear(t, b, "busy"); d.Tone || d.Err != "in use" {
			t.Errorf("busy shows %+v", d)
		}
		b.Tone("gone")
		time.Sleep(200 * time.Millisecond)
		h.do(func() { h.devices = h.devices[:1] })
		time.Sleep(1500 * time.Millisecond)
		if d := ear(t, b, "gone"); d.Tone || !d.Gone || h.count("gone") != 0 {
			t.Errorf("gone shows %+v", d)
		}
	})
}

func TestARecordingIsPlayedBack(t *testing.T) {
	other := earpiece("other")
	other.Default = true
	h := newHardware(microphone("a"), earpiece("ear"), other)
	h.level["a"] = 3277
	trying(t, h, func(t *testing.T, b *audition.Bench, l *line) {
		l.Choose(earpiece("ear"))
		b.Record("a")
		time.Sleep(time.Second)
		if r := b.State().Recording; r.State != callstate.RecordListening || r.Device != "a" || r.Left < 1900*time.Millisecond || r.Left > 2100*time.Millisecond {
			t.Errorf("listening: %+v", r)
		}
		time.Sleep(2500 * time.Millisecond)
		if r := b.State().Recording; r.State != callstate.RecordPlaying || !near(r.Peak, -20, 0.1) || r.Left > 2800*time.Millisecond || r.Left < 2*time.Second {
			t.Errorf("playing: %+v", r)
		}
		time.Sleep(3500 * time.Millisecond)
		if r := b.State().Recording; r.State != callstate.RecordIdle || r.Err != "" || !near(r.Peak, -20, 0.1) {
			t.Errorf("over: %+v", r)
		}
		loud := 0
		for _, v := range h.heard("ear") {
			if v != 0 {
				loud++
			}
		}
		if d := audio.Duration(loud); d < 2990*time.Millisecond || d > 3*time.Second || !near(level.Peak(h.heard("ear")), -20, 0.1) || len(h.heard("other")) > 0 {
			t.Errorf("%v were played at %.1f dBFS", d, level.Peak(h.heard("ear")))
		}
		if h.count("ear") != 0 {
			t.Error("the earpiece is still open")
		}
		b.Record("a")
		time.Sleep(time.Second)
		b.Record("a")
		time.Sleep(100 * time.Millisecond)
		if r := b.State().Recording; r.State != callstate.RecordIdle || r.Err != "" {
			t.Errorf("given up: %+v", r)
		}
	})
}

func TestARecordingThatFailsSaysWhy(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*hardware)
		want    string
	}{
		"unplugged":          {func(h *hardware) { h.devices = h.devices[1:] }, "the microphone is gone"},
		"nothing to play on": {func(h *hardware) { h.devices = h.devices[:1] }, "no playback device is connected"},
		"an earpiece in use": {func(h *hardware) { h.refuses["ear"] = "in use" }, "in use"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHardware(microphone("a"), earpiece("ear"))
			h.devices[1].Default = true
			trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
				b.Record("a")
				time.Sleep(500 * time.Millisecond)
				h.do(func() { tt.prepare(h) })
				time.Sleep(4 * time.Second)
				if r := b.State().Recording; r.State != callstate.RecordIdle || !strings.Contains(r.Err, tt.want) {
					t.Errorf("recording %+v", r)
				}
			})
		})
	}
}

func TestAChoiceSwitchesTheCallAndIsMarked(t *testing.T) {
	// As ALSA has it, both directions of a card have one id.
	h := newHardware(microphone("hw:0"), microphone("b"), earpiece("hw:0"))
	trying(t, h, func(t *testing.T, b *audition.Bench, l *line) {
		b.Choose("b")
		time.Sleep(100 * time.Millisecond)
		l.mu.Lock()
		l.snap.State = callstate.Live
		l.mu.Unlock()
		b.Choose("hw:0")
		b.Choose("hw:0 (earpiece)")
		b.Choose("nobody")
		time.Sleep(100 * time.Millisecond)
		want := []string{`Calls now take the microphone "Name of b".`, "earpiece hw:0", "microphone hw:0"}
		l.mu.Lock()
		did := slices.Sorted(slices.Values(l.did)) // one may be free before the other
		l.mu.Unlock()
		if !slices.Equal(did, want) {
			t.Errorf("did %q", did)
		}
		if !mic(t, b, "hw:0").Chosen || mic(t, b, "b").Chosen || !ear(t, b, "hw:0 (earpiece)").Chosen {
			t.Errorf("state %+v", b.State())
		}
	})
}

func TestADeviceIsGivenBackBeforeTheCallTakesIt(t *testing.T) {
	h := newHardware(microphone("a"), earpiece("ear"))
	trying(t, h, func(t *testing.T, b *audition.Bench, l *line) {
		l.mu.Lock()
		l.snap.State = callstate.Live
		l.taken = func(string) {
			if n := h.all(); n != 0 {
				t.Errorf("%d devices are open when the call takes one", n)
			}
		}
		l.mu.Unlock()
		b.Choose("a")
		time.Sleep(200 * time.Millisecond)
		b.Tone("ear")
		time.Sleep(200 * time.Millisecond)
		b.Choose("ear")
		time.Sleep(200 * time.Millisecond)
		l.mu.Lock()
		did := l.did
		l.mu.Unlock()
		if !slices.Equal(did, []string{"microphone a", "earpiece ear"}) {
			t.Errorf("did %q", did)
		}
	})
}

func TestADeviceOfTheCallIsNotOpenedForItsLevel(t *testing.T) {
	h := newHardware(microphone("a"), microphone("b"), earpiece("ear"))
	trying(t, h, func(t *testing.T, b *audition.Bench, l *line) {
		l.mu.Lock()
		l.snap.State = callstate.Live
		l.snap.MicrophoneOpen = &audio.Endpoint{ID: "a", Backend: "test", Period: 5 * time.Millisecond}
		l.snap.EarpieceOpen = &audio.Endpoint{ID: "ear", Backend: "test"}
		l.snap.Microphone.Peak = -12
		l.mu.Unlock()
		time.Sleep(200 * time.Millisecond)
		if d := mic(t, b, "a"); !d.InCall || d.Level.Peak != -12 || d.Open.Period != 5*time.Millisecond || h.count("a") != 0 {
			t.Errorf("in the call: %+v, %d open", d, h.count("a"))
		}
		if !ear(t, b, "ear").InCall || mic(t, b, "b").InCall || h.count("b") != 1 {
			t.Errorf("state %+v", b.State())
		}
		b.Record("a") // it is opened for that, beside the call
		time.Sleep(time.Second)
		if h.count("a") != 1 {
			t.Errorf("recorded: %d open", h.count("a"))
		}
		time.Sleep(3 * time.Second)
		if r := b.State().Recording; r.State != callstate.RecordPlaying || h.count("ear") != 1 || h.count("a") != 0 {
			t.Errorf("recording %+v, open %d", r, h.all())
		}
		l.mu.Lock()
		l.snap = callstate.Snapshot{}
		l.mu.Unlock()
		time.Sleep(200 * time.Millisecond)
		if d := mic(t, b, "a"); d.InCall || d.Open == nil {
			t.Errorf("after the call: %+v", d)
		}
	})
}

func TestManyDevicesAndKeysAreBounded(t *testing.T) {
	h := newHardware()
	keys := []string{"", "nobody", "\x1b"}
	for n := range 90 {
		h.devices = append(h.devices, microphone(fmt.Sprintf("m%d", n)), earpiece(fmt.Sprintf("e%d", n)))
		keys = append(keys, fmt.Sprintf("m%d", n), fmt.Sprintf("e%d", n))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	trying(t, h, func(t *testing.T, b *audition.Bench, _ *line) {
		open := h.all()
		if s := b.State(); len(s.Microphones) != 64 || len(s.Earpieces) != 64 || open != 16 {
			t.Errorf("%d microphones and %d earpieces are shown, %d are open", len(s.Microphones), len(s.Earpieces), open)
		}
		for range 10000 {
			key := keys[rnd.IntN(len(keys))]
			switch rnd.IntN(40) {
			case 0:
				b.End()
				time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
				b.Begin()
			default:
				[]func(string){b.Tone, b.Record, b.Choose}[rnd.IntN(3)](key)
			}
			if rnd.IntN(4) == 0 {
				time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
			}
			b.State()
		}
		open = h.all()
		if open > 20 {
			t.Errorf("%d devices are open", open)
		}
	})
}
