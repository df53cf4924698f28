//go:build !race

package device

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/port"
)

func TestCallbacksDoNotAllocate(t *testing.T) {
	clock := audio.NewClock()
	deliver := newStream(Capture).deliverTo(port.NewCapture(clock))
	take := newStream(Playback).takeFrom(port.NewPlayback(clock))
	raw := make([]byte, 2*audio.PeriodSamples)
	if n := testing.AllocsPerRun(1000, func() {
		deliver(nil, raw, audio.PeriodSamples)
		take(raw, nil, audio.PeriodSamples)
	}); n != 0 {
		t.Errorf("%v allocations a callback, want 0", n)
	}
}

func TestAClosedStreamLeavesThePortAlone(t *testing.T) {
	in, out := port.NewCapture(audio.NewClock()), port.NewPlayback(audio.NewClock())
	capture, playback := newStream(Capture), newStream(Playback)
	capture.Stop()
	playback.Stop()
	raw := []byte{1, 2, 3, 4}
	capture.deliverTo(in)(nil, raw, 2)
	playback.takeFrom(out)(raw, nil, 2)
	if in.Stats().Callbacks+out.Stats().Callbacks != 0 {
		t.Error("a port was used after the end")
	}
	for _, b := range raw {
		if b != 0 {
			t.Fatalf("left %v to be played, want silence", raw)
		}
	}
	select {
	case <-capture.Lost():
		t.Error("an end that was asked for counts as a loss")
	default:
	}
}
