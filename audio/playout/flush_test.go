package playout_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
)

// TestWhatIsFlushedIsNeverPlayed flushes in the middle of speech and wants what
// comes on a new clock to follow as live as before.
func TestWhatIsFlushedIsNeverPlayed(t *testing.T) {
	p, dec := newPlayout()
	out := make([]int16, audio.PeriodSamples)
	var now time.Duration
	pulls, media := 0, int64(0)
	push := func(epoch uint32, sequence uint64, level int16) {
		pcm := make([]int16, frame)
		for i := range pcm {
			pcm[i] = level
		}
		p.Push(jitter.Packet{Sequence: sequence, Epoch: epoch, Media: media, Samples: frame, Data: audiotest.Encode(nil, pcm)}, now)
		media += frame
	}
	pull := func() int16 { p.Pull(out, now); pulls++; now += audio.Period; return out[len(out)-1] }
	for seq := uint64(1); seq <= 50; seq++ {
		push(1, seq, 1000)
		pull()
		pull()
	}
	before := p.Stats().Delay
	for seq := uint64(51); seq <= 75; seq++ { // half a second that waits
		push(1, seq, 5000)
	}
	p.Flush()
	if !p.Drained() || p.Buffered() != 0 {
		t.Errorf("%v still waits", p.Buffered())
	}
	media += 100 * audio.Rate
	heard := false
	for seq := uint64(76); seq <= 125; seq++ {
		push(2, seq, 2000)
		for range 2 {
			if s := pull(); s > 2500 {
				t.Fatalf("a sample of %d is played that was flushed", s)
			} else if s > 1900 {
				heard = true
			}
		}
	}
	if s := p.Stats(); !heard || s.PacketsLost != 0 || s.Delay > before+10*ms {
		t.Errorf("heard %v, lost %d, delay %v, before %v", heard, s.PacketsLost, s.Delay, before)
	}
	conserved(t, p, dec, pulls)
}
