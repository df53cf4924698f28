package callcenter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
)

// TestTheWindowFollowsTheTargetThatTheReceiverReports acknowledges for a second
// and then no more, on a clock that jumps: what still comes is the window.
func TestTheWindowFollowsTheTargetThatTheReceiverReports(t *testing.T) {
	for _, tt := range []struct{ target, window time.Duration }{
		{20 * time.Millisecond, 260 * time.Millisecond},
		{200 * time.Millisecond, 360 * time.Millisecond},
		{400 * time.Millisecond, 560 * time.Millisecond},
	} {
		t.Run(tt.target.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := unacknowledged(t, tt.target); got > tt.window || got < tt.window-20*time.Millisecond {
					t.Errorf("%v came unacknowledged, want %v", got, tt.window)
				}
			})
		})
	}
}

// unacknowledged returns how much audio comes after the last acknowledgement to a
// receiver with that target.
func unacknowledged(t *testing.T, target time.Duration) (audioTime time.Duration) {
	t.Helper()
	clock := audio.NewClock()
	connect := startInMemory(t, clock)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := api.NewCallCenterClient(connect()).LiveCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	link := wire.NewLink(clock())
	send := func(c *api.AudioChunk) {
		if err := stream.Send(c); err != nil {
			t.Fatal(err)
		}
	}
	send(first("window", "tone"))
	last := time.Duration(0) // when the last acknowledgement left
	for last == 0 || clock() < last+2*time.Second {
		chunk, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		now := clock()
		link.Received(chunk, now)
		switch {
		case len(chunk.GetAudioData()) > 0 && last != 0:
			audioTime += audio.Duration(len(chunk.GetAudioData()) / 2)
		case len(chunk.GetAudioData()) > 0:
			c := &api.AudioChunk{Report: &api.Report{BufferTargetUs: uint32(target.Microseconds())}}
			link.Stamp(c, now)
			send(c)
			if now > time.Second {
				last = now
			}
		}
	}
	return audioTime
}
