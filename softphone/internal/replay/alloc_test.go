//go:build !race

package replay_test

import (
	"path/filepath"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/softphone/internal/replay"
)

func TestRecordingCostsTheReceiverNoAllocation(t *testing.T) {
	r, err := replay.NewRecorder(filepath.Join(t.TempDir(), "trace.txt"))
	if err != nil {
		t.Fatal(err)
	}
	p := jitter.Packet{Samples: 960}
	if n := testing.AllocsPerRun(1000, func() {
		p.Sequence++
		p.Media += 960
		r.Packet(p, time.Duration(p.Sequence)*20*time.Millisecond, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	r.Finish()
	if n, err := r.Run(); n != 1001 || err != nil {
		t.Errorf("%d packets, %v", n, err)
	}
}

func TestTheVoiceAllocatesNothing(t *testing.T) {
	v, pcm := replay.NewVoice(1), make([]int16, audio.Rate/50)
	if n := testing.AllocsPerRun(500, func() { v.Fill(pcm) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
