//go:build !race

package codec_test

import (
	"testing"

	"callcenter/codec"
)

func TestSamplesDoesNotAllocate(t *testing.T) {
	pcm := codec.Format{Codec: codec.PCM, Rate: 44100, Channels: 2}
	padded := fill(1+2+7+6, toc(1, 3), 0xc3, 6, 1, 2)
	chunk := make([]byte, 1764)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := opusMono.Samples(padded); err != nil {
			t.Error(err)
		}
		if _, err := pcm.Samples(chunk); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("Samples allocates %v times a run, want 0", allocs)
	}
}
