package room

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/codec"
)

// Whatever rate somebody speaks at, at whatever rate somebody hears it, the pitch
// is what it was.
func TestThePitchIsRightAtEveryRate(t *testing.T) {
	var formats []codec.Format
	for i, rate := range []int{8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 95999, 96000} {
		formats = append(formats, codec.Format{Codec: codec.PCM, Rate: rate, Channels: 1 + i%2})
	}
	for _, rate := range []int{8000, 12000, 16000, 24000, 48000} {
		formats = append(formats, codec.Format{Codec: codec.Opus, Rate: rate, Channels: 1})
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, len(formats), len(formats), 1)
		for i, f := range formats {
			c.enter(i, f, 1500)
			c.guests[i].hz, c.guests[i].says = toneOf(2*i), true
		}
		c.run(3 * time.Second)
		for _, g := range c.guests {
			g.ear.hear()
		}
		c.run(time.Second)
		worst := 0.0
		for _, g := range c.guests {
			pcm := g.ear.hear()
			scale := float64(g.ear.rate()) / audio.Rate
			for _, other := range c.guests {
				if other == g {
					continue
				}
				cents := audiotest.Cents(other.hz, scale*audiotest.Frequency(pcm, other.hz/scale))
				worst = max(worst, math.Abs(cents))
				if math.Abs(cents) > 1 {
					t.Errorf("%v hears %v %.2f cents off", g, other, cents)
				}
			}
			g.leg.Leave()
		}
		t.Logf("the pitch is at most %.2f cents off", worst)
	})
}
