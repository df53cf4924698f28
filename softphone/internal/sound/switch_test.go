package sound

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
	"callcenter/softphone/internal/callstate"
)

// said waits, in virtual time, and returns what was said meanwhile.
func said(d *deviceStream, wait time.Duration) string {
	time.Sleep(wait)
	return strings.Join(sentences(d), " | ")
}

func TestADeviceIsSwitchedBesideTheOneThatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		c.do(func() { c.others = map[string]string{"desk": "Desk"} })
		time.Sleep(time.Second)
		for _, to := range []string{"desk", "usb", "desk", "usb", "desk"} {
			before := c.opened()
			d.Switch(to)
			for c.opened() == before || d.Endpoint().ID != to {
				if c.live() != 1 {
					t.Fatalf("%d devices use the port on the way to %q", c.live(), to)
				}
				time.Sleep(time.Millisecond)
			}
			text := said(d, time.Second)
			if want := `The microphone is now "` + d.Endpoint().Name + `" (48 kHz, 10 ms, test).`; text != want {
				t.Errorf("said %q, want %q", text, want)
			}
			if h := d.Health(); h.State != callstate.EndOpen || h.Reopens != 0 || c.live() != 1 {
				t.Errorf("switched to %q: %+v, %d use the port", to, h, c.live())
			}
		}
		d.Switch("desk")
		if text := said(d, time.Second); text != `The microphone is "Desk" already.` {
			t.Errorf("said %q", text)
		}
	})
}

func TestADeviceThatDoesNotOpenLeavesTheOldOne(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*card)
		wait    time.Duration
		want    string
	}{
		"unknown": {func(*card) {}, time.Second, `open "desk": unknown sound device`},
		"silent": {
			func(c *card) { c.others, c.mute = map[string]string{"desk": "Desk"}, true }, 4 * time.Second,
			"it is open and moves no sound",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, d := openCard(t)
				defer closed(t, c, d)
				time.Sleep(time.Second)
				c.do(func() { tt.prepare(c) })
				d.Switch("desk")
				text := said(d, tt.wait)
				if !strings.HasPrefix(text, `The microphone stays "Headset": `) || !strings.Contains(text, tt.want) || strings.Contains(text, " | ") {
					t.Errorf("said %q, want %q in it", text, tt.want)
				}
				if h := d.Health(); h.State != callstate.EndOpen || c.live() != 1 || d.Endpoint().ID != "usb" {
					t.Errorf("%+v, %d use the port, open is %q", h, c.live(), d.Endpoint().ID)
				}
			})
		})
	}
}

func TestACardThatOpensOnceGivesWayAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		c.do(func() { c.others, c.single = map[string]string{"desk": "Desk"}, true })
		time.Sleep(time.Second)
		d.Switch("desk")
		if text := said(d, 3*time.Second); !strings.HasPrefix(text, `The microphone is now "Desk"`) {
			t.Errorf("said %q", text)
		}
		c.do(func() { delete(c.others, "desk"); c.others["lamp"] = "Lamp"; c.mute = true })
		d.Switch("lamp")
		time.Sleep(4 * time.Second)
		c.do(func() { c.mute = false; c.others["desk"] = "Desk" })
		text := said(d, 3*time.Second)
		if !strings.Contains(text, `stays "Desk"`) || d.Endpoint().ID != "desk" || c.live() != 1 {
			t.Errorf("said %q, open is %q, %d use the port", text, d.Endpoint().ID, c.live())
		}
	})
}

func TestAnotherDeviceEndsTheWaitForOneThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.vanish(true)
		time.Sleep(2 * time.Second)
		sentences(d)
		c.do(func() { c.others = map[string]string{"desk": "Desk"} })
		d.Switch("desk")
		if text := said(d, 2*time.Second); !strings.HasPrefix(text, `The microphone is now "Desk"`) || strings.Contains(text, " | ") {
			t.Errorf("said %q", text)
		}
		c.do(func() { c.present = true })
		if text := said(d, 5*time.Second); text != "" || d.Endpoint().ID != "desk" || d.Health().State != callstate.EndOpen {
			t.Errorf("said %q, open is %q, %+v", text, d.Endpoint().ID, d.Health())
		}
	})
}

func TestAWishAtAFrozenServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		c.do(func() { c.others = map[string]string{"desk": "Desk"} })
		time.Sleep(time.Second)
		thaw := c.freeze()
		d.Switch("desk")
		text := said(d, 7*time.Second)
		if !strings.Contains(text, `stays "Headset": the sound system does not answer within 5s; restart the sound server.`) {
			t.Errorf("said %q", text)
		}
		thaw()
		time.Sleep(2 * time.Second)
		if d.Health().State != callstate.EndOpen || c.live() != 1 || d.Endpoint().ID != "usb" {
			t.Errorf("thawed: %+v, %d use the port of %q", d.Health(), c.live(), d.Endpoint().ID)
		}
		closed(t, c, d)
	})
}

func TestTheNewestWishCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		c.do(func() { c.others = map[string]string{"desk": "Desk", "lamp": "Lamp"} })
		time.Sleep(time.Second)
		for range 20 {
			d.Switch("desk")
			time.Sleep(7 * time.Millisecond)
			d.Switch("lamp")
			time.Sleep(7 * time.Millisecond)
		}
		if text := said(d, 2*time.Second); !strings.HasSuffix(text, `is now "Lamp" (48 kHz, 10 ms, test).`) || c.live() != 1 {
			t.Errorf("said %q, %d use the port", text, c.live())
		}
	})
}

// over opens what is no device, which switches to devices of the card.
func over(t *testing.T, c *card, spec string) (*deviceStream, *port.Capture) {
	t.Helper()
	p := port.NewCapture(audio.NewClock())
	s, err := OpenCapture(t.Context(), spec, p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := s.(*deviceStream)
	d.begin = c.begin
	return d, p
}

func TestWhatIsNoDeviceIsSwitchedToOne(t *testing.T) {
	for _, started := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := &card{t: t, present: true, period: 10 * time.Millisecond}
			d, p := over(t, c, "tone:440")
			defer closed(t, c, d)
			if started {
				if err := d.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			d.Switch("attic")
			if text := said(d, time.Second); !strings.HasPrefix(text, `The microphone stays "440 Hz": open "attic"`) {
				t.Errorf("said %q", text)
			}
			if grows := grown(p); grows != started {
				t.Errorf("the tone flows: %v, want %v", grows, started)
			}
			d.Switch("usb")
			if text := said(d, time.Second); !strings.HasPrefix(text, `The microphone is now "Headset"`) {
				t.Errorf("said %q", text)
			}
			if grown(p) || c.live() != 1 || d.Endpoint().ID != "usb" || d.Start() != nil || d.Health() != (callstate.End{}) {
				t.Errorf("the tone flows: %v; %d devices use the port of %+v", grown(p), c.live(), d.Endpoint())
			}
		})
	}
}

// grown reports that something is delivered to p within 100 ms.
func grown(p *port.Capture) bool {
	before := p.Stats().Samples
	time.Sleep(100 * time.Millisecond)
	return p.Stats().Samples > before
}

func TestNothingIsSwitchedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		closed(t, c, d)
		d.Switch("desk")
		s, _ := over(t, c, "null")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		s.Switch("usb")
		time.Sleep(time.Second)
		if c.opened() != 1 {
			t.Errorf("%d openings, want 1", c.opened())
		}
	})
}

func TestTheFirstChoiceThatIsThereIsOpened(t *testing.T) {
	for name, tt := range map[string]struct {
		choices []Choice
		open    string
		said    string
	}{
		"the first": {[]Choice{{"desk", "Desk"}, {"lamp", "Lamp"}}, "desk", ""},
		"the second": {
			[]Choice{{"gone", "Good Headset"}, {"lamp", "Lamp"}},
			"lamp",
			`The microphone "Good Headset" is not there: using "Lamp".`,
		},
		"none": {
			[]Choice{{"gone", "Good Headset"}},
			"usb",
			`The microphone "Good Headset" is not there: using "Headset".`,
		},
		"a name in another socket": {[]Choice{{"desk.2", "Desk"}}, "desk", ""},
		"a name that several have": {[]Choice{{"x", "Twin"}}, "usb", `The microphone "Twin" is not there: using "Headset".`},
		"garbage":                  {[]Choice{{"\x1b", "\x1b[2J"}}, "usb", `The microphone "of before" is not there: using "Headset".`},
		"one that is busy": {
			[]Choice{{"busy", "Busy"}, {"lamp", "Lamp"}},
			"lamp",
			`The microphone "Busy" cannot be opened: using "Lamp".`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &card{
					t: t, present: true, period: 10 * time.Millisecond,
					others: map[string]string{"desk": "Desk", "lamp": "Lamp", "twin1": "Twin", "twin2": "Twin"},
				}
				d := captureDevice("", port.NewCapture(audio.NewClock()), Options{Periods: FixedPeriods(audio.Period), Prefer: tt.choices})
				d.open = func(_ context.Context, cfg device.Config) (handle, error) {
					h := c.begin(cfg)
					return h, <-h.Opened()
				}
				d.list = func(context.Context) ([]Info, error) { return listing(c), nil }
				if _, err := d.start(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer closed(t, c, d)
				if text := said(d, time.Second); text != tt.said || d.Endpoint().ID != tt.open {
					t.Errorf("opened %q and said %q, want %q and %q", d.Endpoint().ID, text, tt.open, tt.said)
				}
			})
		})
	}
}

// listing is what the card has, and a device that is listed and does not open.
func listing(c *card) []Info {
	list := []Info{{ID: "usb", Name: "Headset", Direction: Capture}, {ID: "busy", Name: "Busy", Direction: Capture}}
	for id, name := range c.others {
		list = append(list, Info{ID: id, Name: name, Direction: Capture})
	}
	return list
}

func TestAMonitorIsChosenByItsIDOnly(t *testing.T) {
	list := []Info{
		{ID: "sink.monitor", Name: "Monitor", Direction: Capture, Monitor: true},
		{ID: "sink", Name: "Ear", Direction: Playback},
		{ID: "mic", Name: "Mic", Direction: Capture},
	}
	for name, tt := range map[string]struct {
		choice Choice
		want   string
	}{
		"by its id":               {Choice{"sink.monitor", "Monitor"}, "sink.monitor"},
		"by its name":             {Choice{"other.monitor", "Monitor"}, ""},
		"of the other direction":  {Choice{"sink", "Ear"}, ""},
		"a microphone's old name": {Choice{"mic.1", "Mic"}, "mic"},
	} {
		t.Run(name, func(t *testing.T) {
			if d, ok := Choose(list, Capture, []Choice{tt.choice}); d.ID != tt.want || ok != (tt.want != "") {
				t.Errorf("chose %q, %v", d.ID, ok)
			}
		})
	}
	if d, ok := Find(list, Capture, "mic"); !ok || d.ID != "mic" {
		t.Errorf("found %+v", d)
	}
	if i := slices.IndexFunc([]string{"", "null", "file:x", "lamp", "tone:x"}, func(spec string) bool {
		_, ok := Find(list, Capture, spec)
		return ok
	}); i >= 0 {
		t.Errorf("spec %d is no device that is there", i)
	}
}
