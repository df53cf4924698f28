package mix_test

import (
	"fmt"
	"testing"

	"callcenter/audio/mix"
)

// BenchmarkConference mixes one block of 20 ms for everyone in a room.
func BenchmarkConference(b *testing.B) {
	for _, legs := range []int{3, 10} {
		for _, amplitude := range []float64{2000, 32000} {
			b.Run(fmt.Sprintf("legs=%d/amplitude=%v", legs, amplitude), func(b *testing.B) {
				voices := make([][]int16, legs)
				for i := range voices {
					voices[i] = tone(200+30*float64(i), amplitude, 960)
				}
				limiters := make([]mix.Limiter, legs)
				sum := mix.NewSum(960)
				out := make([]int16, 960)
				b.ReportAllocs()
				for b.Loop() {
					sum.Reset()
					for _, v := range voices {
						sum.Add(v)
					}
					for i, v := range voices {
						sum.Minus(out, v, &limiters[i])
					}
				}
			})
		}
	}
}
