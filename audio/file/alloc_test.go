//go:build !race

package file

import (
	"testing"

	"callcenter/audio"
)

func TestFillAndWriteDoNotAllocate(t *testing.T) {
	second := make([]byte, 4*44100)
	r := open(t, simple(format(tagPCM, 2, 44100, 16), second))
	pcm := make([]int16, audio.PeriodSamples)
	if n := testing.AllocsPerRun(150, func() { r.Fill(pcm) }); n != 0 { // also past the end
		t.Errorf("Fill: %v allocations, want 0", n)
	}
	w, _ := create(t)
	if n := testing.AllocsPerRun(5, func() {
		for range 100 { // a second, so with its writes to the disk
			if err := w.Write(pcm); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("Write: %v allocations a second, want 0", n)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
