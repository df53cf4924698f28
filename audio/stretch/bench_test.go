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
		stretch.Faster(pcm, false)
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
		stretch.Slower(pcm, stretch.MaxLag, 4000, false)
	}
}

func BenchmarkConceal(b *testing.B) {
	pcm := audiotest.Voice(audio.Rate, 130, 9000)
	out := make([]int16, 480)
	var c stretch.Concealer
	b.ReportAllocs()
	for b.Loop() {
		c.Played(pcm[:1440])
		c.Conceal(out)
	}
}
