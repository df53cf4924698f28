package jitter_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/jitter"
)

func BenchmarkPushDecideNext(b *testing.B) {
	buf := jitter.New(jitter.Config{})
	data := make([]byte, 80)
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		p := jitter.Packet{Sequence: uint64(n), Media: int64(n-1) * frame, Samples: frame, Data: data}
		buf.Push(p, at(n))
		buf.Decide(at(n), p.Media, 0, audio.PeriodSamples)
		buf.Next()
	}
}
