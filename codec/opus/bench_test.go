package opus_test

import (
	"fmt"
	"testing"

	"callcenter/codec"
)

func BenchmarkEncode(b *testing.B) {
	in := speech(48000)
	for _, complexity := range []int{5, 9} {
		b.Run(fmt.Sprintf("complexity=%d", complexity), func(b *testing.B) {
			enc, _ := newPair(b, mono, codec.Options{FrameSamples: 960, Complexity: complexity})
			packet := make([]byte, codec.MaxPacket)
			at := 0
			next := func() {
				if _, err := enc.Encode(packet, in[at:at+960]); err != nil {
					b.Fatal(err)
				}
				at = (at + 960) % len(in)
			}
			// At high complexity libopus takes seconds to see that this is speech.
			for range 500 {
				next()
			}
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	in := speech(48000)
	for _, complexity := range []int{5, 9} {
		b.Run(fmt.Sprintf("complexity=%d", complexity), func(b *testing.B) {
			enc, dec := newPair(b, mono, codec.Options{FrameSamples: 960, Complexity: complexity})
			var packets [][]byte
			for at := 0; at < len(in); at += 960 {
				packet := make([]byte, codec.MaxPacket)
				n, err := enc.Encode(packet, in[at:at+960])
				if err != nil {
					b.Fatal(err)
				}
				packets = append(packets, packet[:n])
			}
			out := make([]int16, 960)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if _, err := dec.Decode(out, packets[at]); err != nil {
					b.Fatal(err)
				}
				at = (at + 1) % len(packets)
			}
		})
	}
}
