package room

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec"
)

// floor is who has it: all who talk, if there is room for them, and otherwise those
// that the members were told of.
func (c *crowd) floor() map[string]bool {
	talk, told := map[string]bool{}, map[string]bool{}
	for _, g := range c.present() {
		maps.Copy(told, g.ear.told())
		if g.says {
			talk[g.name] = true
		}
	}
	speakers := c.d.cfg.Speakers
	if len(talk) > speakers {
		if len(told) != speakers {
			c.t.Errorf("%d have the floor while %d talk", len(told), len(talk))
		}
		return told
	}
	// Of two who hear each other directly, only those who say so are known to talk.
	if len(c.present()) > 2 && !maps.Equal(talk, told) {
		c.t.Errorf("%v have the floor while %v talk", told, talk)
	}
	return talk
}

// listen lets time pass, and checks that everyone hears exactly those who have the
// floor in it.
func (c *crowd) listen(d time.Duration) {
	for _, g := range c.present() {
		g.ear.hear()
	}
	before := c.floor()
	c.run(d)
	floor := c.floor()
	if !maps.Equal(before, floor) {
		c.t.Errorf("at %v: the floor changes although nothing else does: %v, %v", c.d.cfg.Clock(), before, floor)
	}
	for _, g := range c.present() {
		pcm := g.ear.hear()
		for _, fault := range g.ear.check() {
			c.t.Errorf("%v: %s", g, fault)
		}
		c.judge(g, pcm, floor)
	}
}

// judge compares what a guest heard with what it should. What a codec adds to many
// tones is measured on the plain sum of the same tones: what must be absent is as
// absent as the emptiest places of that.
func (c *crowd) judge(g *guest, pcm []int16, floor map[string]bool) {
	var tones, heard []float64
	for i, other := range c.guests {
		tones = append(tones, toneOf(i))
		if other != g && floor[other.name] {
			heard = append(heard, toneOf(i))
		}
	}
	noise := g.codecNoise(len(pcm), heard)
	present, absent := mustPresent, mustAbsent
	if g.format.Codec == codec.Opus {
		present, absent = mustPresentOpus, max(mustAbsent, noise+noiseMargin)
	}
	for i, amplitude := range spectrum(pcm, g.ear.rate(), tones) {
		db, want := decibels(amplitude, g.peak), slices.Contains(heard, tones[i])
		limit := absent
		if c.guests[i] != g {
			limit = max(limit, silentAbsent)
		}
		if want && math.Abs(db) > present || !want && db > limit {
			c.t.Errorf("%v: %v hears %v at %.1f dB, want %v; the codec's own noise is at %.1f dB",
				c.d.cfg.Clock(), g, c.guests[i], db, want, noise)
		}
		c.seen.note(g, c.guests[i], want, db, noise)
	}
}

// codecNoise is the greatest level between the tones of a plain sum that went
// through the guest's codec, in dB of one tone.
func (g *guest) codecNoise(n int, heard []float64) float64 {
	if g.format.Codec == codec.PCM || len(heard) == 0 {
		return math.Inf(-1)
	}
	samples := 48 * g.wish
	enc := encoderOf(g.tb, g.format, samples)
	dec := newEarpiece(g, nil).dec
	var out []int16
	pcm, got := make([]int16, samples), make([]int16, samples)
	for at := 0; at < n+audio.Rate/10; at += samples {
		for k := range pcm {
			x := 0.0
			for i, hz := range heard {
				x += math.Sin(2*math.Pi*hz*float64(at+k)/audio.Rate + float64(i*i))
			}
			pcm[k] = int16(math.Round(g.peak * x))
		}
		size, err := enc.Encode(g.buf[:], pcm)
		if err != nil {
			g.tb.Fatal(err)
		}
		if _, err := dec.Decode(got, g.buf[:size]); err != nil {
			g.tb.Fatal(err)
		}
		out = append(out, got...)
	}
	var empty []float64
	for i := range 32 {
		for _, hz := range []float64{toneOf(i), toneOf(i) + 33} {
			if !slices.Contains(heard, hz) {
				empty = append(empty, hz)
			}
		}
	}
	return decibels(slices.Max(spectrum(out[audio.Rate/10:], audio.Rate, empty)), g.peak)
}

const (
	// In dB of a tone as it was said: how far from that what is present may be, and
	// how loud what is absent. 31 tones in 32 kbit/s are not more exact.
	mustPresent, mustPresentOpus = 1.5, 6.0
	mustAbsent                   = -40.0
	// What a buffer's time scaling adds to the tones of others comes close to that
	// of one who is silent.
	silentAbsent = -30.0
	// What is absent in one draw of a codec's noise is as absent in another.
	noiseMargin = 10.0
)

// seen are the extremes that were measured, in dB.
type seen struct {
	own, ownOpus, over, present, presentOpus float64
}

func (s *seen) note(g, other *guest, want bool, db, noise float64) {
	opus := g.format.Codec == codec.Opus
	switch {
	case want && opus:
		s.presentOpus = max(s.presentOpus, math.Abs(db))
	case want:
		s.present = max(s.present, math.Abs(db))
	case other == g && opus:
		s.ownOpus = max(s.ownOpus, db)
	case other == g:
		s.own = max(s.own, db)
	}
	if !want && opus {
		s.over = max(s.over, db-max(noise, mustAbsent))
	}
}

func TestEveryKindOfClientHearsTheFloorAndNobodyThemselves(t *testing.T) {
	sizes := []int{2, 3, 4, 7, 10, 16, 24, 32}
	if raceEnabled {
		sizes = []int{2, 3, 7, 16}
	}
	for _, n := range sizes {
		for _, speakers := range slices.Compact([]int{max(n, 3), 3}) {
			t.Run(fmt.Sprintf("%d of %d", speakers, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testCrowd(t, n, speakers) })
			})
		}
	}
}

// Two who are alike hear each other directly while no third talks: they come and go
// in rooms where all are alike.
func TestClientsOfOneKindHearTheFloorAndNobodyThemselves(t *testing.T) {
	for _, f := range []codec.Format{opusFormat, wide()} {
		for _, n := range []int{2, 3, 5} {
			t.Run(fmt.Sprintf("%s, %d", f.Codec, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testCrowd(t, n, 3, f) })
			})
		}
	}
}

// testCrowd lets n guests of these formats, or all that there are, come, go, talk and
// fall silent.
func testCrowd(t *testing.T, n, speakers int, formats ...codec.Format) {
	t.Helper()
	c := newCrowd(t, n, speakers, uint64(speakers))
	peak := min(3000, 28000/float64(n))
	if formats == nil {
		formats = kinds(c.r)
	}
	for i := range c.guests {
		c.enter(i, formats[i%len(formats)], peak)
	}
	c.run(500 * time.Millisecond)
	rounds := 4
	if len(formats) == 1 {
		rounds = 12
	}
	if n > 16 {
		rounds = 2
	}
	for range rounds {
		for i, g := range c.guests {
			switch {
			case g.leg == nil && c.r.IntN(2) == 0:
				c.enter(i, formats[c.r.IntN(len(formats))], peak)
			case g.leg != nil && i > 1 && c.r.IntN(2+len(formats)/3) == 0:
				c.leave(i)
				continue
			}
			g = c.guests[i]
			g.says = c.r.IntN(2) == 0
		}
		c.run(800 * time.Millisecond)
		c.listen(400 * time.Millisecond)
	}
	for _, g := range c.present() {
		g.leg.Leave()
	}
	t.Logf("itself at most at %.0f dB in pcm and %.0f dB in opus; an absent tone in opus is %.1f dB above -40 dB or the codec's own noise; "+
		"present within %.1f dB in pcm and %.1f dB in opus", c.seen.own, c.seen.ownOpus, c.seen.over, c.seen.present, c.seen.presentOpus)
}
