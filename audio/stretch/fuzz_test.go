package stretch_test

import (
	"encoding/binary"
	"testing"

	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

// FuzzConcealer plays a script: a byte says what is called, one for how many
// samples, the rest are samples, repeated as often as needed.
func FuzzConcealer(f *testing.F) {
	f.Add([]byte{0, 255, 1, 20, 4, 100, 0, 3, 2, 50, 3, 0, 0, 0}, []byte("some sound that repeats itself"))
	f.Add([]byte{0, 250, 0, 250, 1, 250, 5, 250, 0, 250, 2, 250}, []byte{0xff, 0x7f, 0x00, 0x80})
	f.Add([]byte{4, 0, 0, 1, 4, 200, 1, 1, 0, 0}, []byte{1})
	f.Fuzz(func(t *testing.T, script, sound []byte) {
		if len(script) > 400 {
			return
		}
		sound = append(sound, 0)
		at := 0
		fill := func(pcm []int16) {
			for i := range pcm {
				pcm[i] = int16(binary.LittleEndian.Uint16([]byte{sound[at%len(sound)], sound[(at+1)%len(sound)]}))
				at += 2
			}
		}
		var c stretch.Concealer
		var room [255 * 9]int16
		for ; len(script) >= 2; script = script[2:] {
			pcm := room[:int(script[1])*9]
			switch script[0] % 6 {
			case 0, 5:
				fill(pcm)
				c.Played(pcm)
			case 1:
				if silent := c.Conceal(pcm); silent < 0 || silent > len(pcm) {
					t.Fatalf("%d of %d samples are silent", silent, len(pcm))
				}
			case 2:
				c.Comfort(pcm)
			case 3:
				c.Splice()
			case 4:
				fill(pcm)
				if k, _ := c.Align(pcm); k < 0 || k > stretch.MaxLag || k > 0 && k >= len(pcm) {
					t.Fatalf("Align skips %d of %d samples", k, len(pcm))
				}
			}
		}
		// Whatever happened, it ends in a background that is never loud: its peak
		// is below -20 dBFS.
		end := room[:]
		for range 5 {
			c.Conceal(end)
		}
		if p := audiotest.Peak(end); p > 3277 {
			t.Fatalf("it goes on with a peak of %d", p)
		}
	})
}

// FuzzTimeScale changes whatever it is given.
func FuzzTimeScale(f *testing.F) {
	f.Add([]byte("abcdefgh"), uint16(0), true)
	f.Add([]byte{0xff, 0x7f, 0x00, 0x80}, uint16(700), false)
	f.Fuzz(func(t *testing.T, sound []byte, more uint16, pause bool) {
		sound = append(sound, 0)
		n := stretch.Window + int(more)%3000
		pcm := make([]int16, n+stretch.MaxLag)
		refill := func() {
			for i := range pcm {
				pcm[i] = int16(uint16(sound[2*i%len(sound)]) | uint16(sound[(2*i+1)%len(sound)])<<8)
			}
		}
		for name, f := range map[string]func() int{
			"Faster": func() int { return stretch.Faster(pcm[:n], stretch.MaxLag/2, pause) },
			"Much":   func() int { return stretch.Much(pcm[:n]) },
			"Slower": func() int { return stretch.Slower(pcm, stretch.MaxLag, n, stretch.MaxLag/2, pause) },
		} {
			refill()
			if got := f(); got != 0 && (got < stretch.MinLag || got > stretch.MaxLag) {
				t.Fatalf("%s changed the length by %d", name, got)
			}
		}
	})
}
