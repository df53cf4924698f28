package e2e

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// ends are what a phone of this process captures and plays.
type ends struct{ capture, playback string }

func (e ends) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	return sound.OpenCapture(ctx, e.capture, p, sound.Options{})
}

func (e ends) OpenPlayback(ctx context.Context, p *port.Playback) (phone.Stream, error) {
	return sound.OpenPlayback(ctx, e.playback, p, sound.Options{})
}

// desk is a phone whose operator the test is.
type desk struct {
	*phone.Phone
	t      *testing.T
	hangUp func()
	read   sync.WaitGroup

	mu   sync.Mutex
	said []string
}

// dialAs lets somebody call a destination, and returns once it is answered.
func dialAs(t *testing.T, s *server, name, destination string, e ends) *desk {
	t.Helper()
	o := &desk{t: t, Phone: phone.New(phone.Config{
		Servers: []string{s.address}, DisplayName: name, Codec: opus.Codec{}, DTX: true,
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 2 * audio.PeriodSamples},
		Sound:   e, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	})}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := o.Run(ctx); err != nil {
			t.Errorf("%s's phone ended with %v", name, err)
		}
	})
	o.read.Go(func() {
		for n := range o.Notices() {
			o.mu.Lock()
			o.said = append(o.said, n.Text)
			o.mu.Unlock()
		}
	})
	o.hangUp = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		o.read.Wait()
	})
	t.Cleanup(o.hangUp)
	o.Dial(destination)
	o.wait("an answer", func(s *callstate.Snapshot) bool { return s.State == callstate.Live })
	return o
}

// wait waits until the screen shows something.
func (o *desk) wait(what string, ok func(*callstate.Snapshot) bool) {
	o.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s := o.Snapshot()
		if ok(&s) {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("the screen does not show %s: %+v", what, s)
		}
	}
}

// reads waits for a sentence.
func (o *desk) reads(sentence string) {
	o.t.Helper()
	o.wait(sentence, func(*callstate.Snapshot) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, text := range o.said {
			if text == sentence {
				return true
			}
		}
		return false
	})
}

func TestAHoldIsToldToTheOtherAndHeardByNobody(t *testing.T) {
	s := startServer(t)
	adaOut, bobOut := filepath.Join(t.TempDir(), "ada.wav"), filepath.Join(t.TempDir(), "bob.wav")
	ada := dialAs(t, s, "Ada", "room/x", ends{"tone:440", "file:" + adaOut})
	bob := dialAs(t, s, "Bob", "room/x", ends{"tone:1000", "file:" + bobOut})
	hears := func(s *callstate.Snapshot) bool { return s.Earpiece.RMS > -30 }
	ada.wait("Bob's tone", hears)
	bob.wait("Ada's tone", hears)

	time.Sleep(time.Second) // in both recordings, as that after it and the second of silence
	ada.ToggleHold()
	bob.reads("Ada holds the call.")
	bob.wait("Ada, who holds the call", func(s *callstate.Snapshot) bool { return len(s.Roster) == 1 && s.Roster[0].Held })
	quiet := func(s *callstate.Snapshot) bool { return s.Earpiece.RMS < -60 }
	ada.wait("silence", quiet)
	bob.wait("silence", quiet)
	ada.Digit('5')
	bob.reads("Ada pressed 5.")
	time.Sleep(time.Second)
	ada.ToggleHold()
	bob.reads("Ada is back.")
	ada.wait("Bob's tone again", hears)
	bob.wait("Ada's tone again", hears)
	time.Sleep(time.Second)
	ada.hangUp()
	bob.reads("Ada left.")
	bob.hangUp()

	for name, hz := range map[string]float64{adaOut: 1000, bobOut: 440} {
		before, silent, after := pause(readWAV(t, name), hz)
		if least := time.Second / 2; before < least || silent < 8*time.Second/10 || after < least {
			t.Errorf("in %s %.0f Hz sounds for %v, pauses for %v, sounds for %v", filepath.Base(name), hz, before, silent, after)
		}
	}
}

// pause finds the longest silence between two sounds of a tone, and tells how long it
// is and how long the tone sounds in all before and after it.
func pause(pcm []int16, hz float64) (before, silent, after time.Duration) {
	const part = audio.Rate / 10
	sounded, run := time.Duration(0), time.Duration(0)
	for ; len(pcm) >= part; pcm = pcm[part:] {
		switch level := toneLevel(pcm[:part], hz); {
		case level < -60:
			run += audio.Duration(part)
		case level > -26:
			if sounded > 0 && run > silent {
				before, silent = sounded, run
			}
			sounded += audio.Duration(part)
			run = 0
		}
	}
	return before, silent, sounded - before
}
