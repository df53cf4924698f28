package pcm_test

import (
	"fmt"
	"testing"

	"callcenter/codec"
)

func BenchmarkFrame(b *testing.B) {
	for _, rate := range []int{8000, 44100, 48000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			enc, dec := newPair(b, format(rate, 1), 960)
			in := sine(440, 10000, 960)
			packet := make([]byte, codec.MaxPacket)
			out := make([]int16, 970)
			b.ReportAllocs()
			for b.Loop() {
				n, err := enc.Encode(packet, in)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := dec.Decode(out, packet[:n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
