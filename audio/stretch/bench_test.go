package stretch_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

func BenchmarkFaster(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 130, 9000)
	b.ReportAllocs()
	for b.Loop() {
		stretch.Faster(pcm, stretch.MaxLag/2, false)
	}
}

func BenchmarkMuch(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 300, 9000)
	b.ReportAllocs()
	for b.Loop() {
		stretch.Much(pcm)
	}
}

func BenchmarkSlower(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 130, 9000)
	b.ReportAllocs()
	for b.Loop() {
		stretch.Slower(pcm, stretch.MaxLag, 4000, stretch.MaxLag/2, false)
	}
}

// BenchmarkPlayed is 10 ms of real audio, of which every tenth completes what
// the background is learnt from.
func BenchmarkPlayed(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 130, 9000)
	var c stretch.Concealer
	b.ReportAllocs()
	for b.Loop() {
		c.Played(pcm[:480])
	}
}

// BenchmarkConceal is the first 10 ms that are made up, of a voice and of noise,
// in the middle of which there is both.
func BenchmarkConceal(b *testing.B) {
	voice, noise := audiotest.Voice(audio.Rate, 130, 9000), audiotest.Noise(audio.Rate, 9000, 1)
	for name, pcm := range map[string][]int16{"voice": voice, "noise": noise, "both": sum(voice, noise)} {
		b.Run(name, func(b *testing.B) {
			out := make([]int16, 480)
			var c stretch.Concealer
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				c.Played(pcm[:1440])
				b.StartTimer()
				c.Conceal(out)
			}
		})
	}
}

func BenchmarkComfort(b *testing.B) {
	out := make([]int16, 480)
	var c stretch.Concealer
	hear(&c, coloured(2*audio.Rate, -50, 2000, 1, 1))
	c.Comfort(out)
	b.ReportAllocs()
	for b.Loop() {
		c.Comfort(out)
	}
}

func BenchmarkAlign(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 75, 9000)
	var c stretch.Concealer
	hear(&c, pcm)
	c.Conceal(make([]int16, 960))
	b.ReportAllocs()
	for b.Loop() {
		c.Align(pcm[:1200])
	}
}
