package cue

import (
	"testing"
	"time"

	"callcenter/audio"
)

// BenchmarkMix is 5 ms of the ear, which has something to play seldom.
func BenchmarkMix(b *testing.B) {
	for name, ask := range map[string]func(p *Player, now time.Duration){
		"idle":    func(*Player, time.Duration) {},
		"off":     func(p *Player, _ time.Duration) { p.SetOn(false) },
		"playing": func(p *Player, now time.Duration) { p.Ask(digit0, now) },
	} {
		b.Run(name, func(b *testing.B) {
			p := New()
			pcm := make([]int16, audio.PeriodSamples/2)
			now := time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				now += audio.Period / 2
				ask(p, now)
				p.Mix(pcm, now)
			}
		})
	}
}
