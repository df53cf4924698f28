//go:build !cgo || nospeexdsp

package clean_test

import (
	"testing"

	"callcenter/audio/clean"
)

func TestWithoutSpeexDSPDenoiseIsIgnoredAndSaysSo(t *testing.T) {
	c := open(t, 480, clean.Options{Denoise: true, Level: true})
	if got := c.Options(); got != (clean.Options{Level: true}) {
		t.Errorf("options %+v, want the level control alone", got)
	}
	run(c, 480, speech(second, -24), nil)
	if c.Delay() != 0 {
		t.Errorf("a delay of %d, want none", c.Delay())
	}
}
