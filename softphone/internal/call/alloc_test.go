//go:build !race

package call

import (
	"testing"
	"time"

	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/cue"
)

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	turned := func(muted bool) *Call {
		c := newTestCall(t)
		c.SetGains(callstate.Gains{Microphone: 3, Earpiece: 6})
		c.SetMuted(muted)
		return c
	}
	trained := newTestCall(t)
	trained.train.Set(callstate.Training{Delay: time.Millisecond, Jitter: time.Millisecond, LossPct: 5}, trained.cfg.Clock())
	taped := func() *Call { return newTestCall(t, func(c *Config) { c.Tape = blankTape{} }) }
	ear := turned(false)
	play := downPath(t, ear)
	paths := map[string]func(){
		"capture to send":         upPath(t, newTestCall(t), voice(480)),
		"capture to send, silent": upPath(t, newTestCall(t), make([]int16, 480)),
		"capture to send, turned": upPath(t, turned(false), voice(480)),
		"talking while muted":     upPath(t, turned(true), voice(480)),
		"capture to send, kept":   upPath(t, taped(), voice(480)),
		"receive to play":         downPath(t, newTestCall(t)),
		"receive to play, kept":   downPath(t, taped()),
		"receive to play, worse":  downPath(t, trained),
		"receive to play, turned": func() {
			ear.localDigit('7', ear.cfg.Clock())
			ear.sound(cue.TalkEnds)
			play()
		},
	}
	for name, step := range paths {
		t.Run(name, func(t *testing.T) {
			for range 600 {
				step() // buffers grow to their size
			}
			if n := testing.AllocsPerRun(500, step); n != 0 {
				t.Errorf("%v allocations a frame, want 0", n)
			}
		})
	}
}

// blankTape takes down nothing: what a tape costs beside that is its own.
type blankTape struct{}

func (blankTape) Pushed(jitter.Packet, time.Duration)                            {}
func (blankTape) OneWay(time.Duration)                                           {}
func (blankTape) Ahead(time.Duration)                                            {}
func (blankTape) Flushed()                                                       {}
func (blankTape) Pulled(playout.Pulled, int, time.Duration, *playout.Stats) bool { return true }
func (blankTape) Frozen([]byte)                                                  {}
func (blankTape) Sent(*sendq.Frame, uint32, time.Duration)                       {}
func (blankTape) Came(Came)                                                      {}
