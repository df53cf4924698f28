package opus_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	libopus "github.com/hraban/opus"

	"callcenter/codec"
)

// longest is 120 ms, the longest packet that libopus decodes.
const longest = 5760

// agree checks that codec.Format.Samples and libopus think the same of a
// packet: what passes must decode to as many samples as announced, and what is
// refused must be malformed for libopus too or beyond the wire's own limits.
// One decoder takes all packets of a test, as it does in a call.
func agree(t *testing.T, dec *libopus.Decoder, packet []byte) {
	t.Helper()
	want, err := mono.Samples(packet)
	got, decErr := dec.Decode(packet, make([]int16, longest))
	switch {
	case err == nil && decErr != nil:
		t.Errorf("packet % .20x of %d bytes: announced %d samples, libopus says %v", packet, len(packet), want, decErr)
	case err == nil && got != want:
		t.Errorf("packet % .20x of %d bytes: announced %d samples, libopus decodes %d", packet, len(packet), want, got)
	case err != nil && !errors.Is(err, codec.ErrPacket):
		t.Errorf("packet % .20x: error %v, want ErrPacket", packet, err)
	case err != nil && decErr == nil && got <= 2880 && len(packet) <= codec.MaxPacket:
		t.Errorf("packet % .20x of %d bytes: refused (%v), libopus decodes %d samples", packet, len(packet), err, got)
	}
}

// unguarded returns a decoder that takes what it is given.
func unguarded(tb testing.TB) *libopus.Decoder {
	tb.Helper()
	dec, err := libopus.NewDecoder(48000, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

// realPackets returns packets of every mode, duration and packing that libopus
// makes.
func realPackets(tb testing.TB) [][]byte {
	tb.Helper()
	in := speech(2880 * 4)
	var packets [][]byte
	for _, channels := range []int{1, 2} {
		for _, app := range []libopus.Application{libopus.AppVoIP, libopus.AppAudio, libopus.AppRestrictedLowdelay} {
			for _, frame := range []int{120, 240, 480, 960, 1920, 2880} {
				for _, bitrate := range []int{8000, 32000, 128000} {
					enc, err := libopus.NewEncoder(48000, channels, app)
					if err != nil {
						tb.Fatal(err)
					}
					if err := errors.Join(enc.SetBitrate(bitrate), enc.SetVBR(bitrate != 32000), enc.SetComplexity(1)); err != nil {
						tb.Fatal(err)
					}
					for i := range 2 {
						packet := make([]byte, codec.MaxPacket)
						n, err := enc.Encode(in[i*frame*channels:(i+1)*frame*channels], packet)
						if err != nil {
							tb.Fatal(err)
						}
						packets = append(packets, packet[:n])
					}
				}
			}
		}
	}
	return packets
}

func TestSamplesAgreesWithLibopusOnRealPackets(t *testing.T) {
	dec := unguarded(t)
	codes := map[byte]bool{}
	for _, packet := range realPackets(t) {
		if _, err := mono.Samples(packet); err != nil {
			t.Errorf("a real packet is refused: %v", err)
		}
		agree(t, dec, packet)
		codes[packet[0]&3] = true
	}
	if !codes[0] || !codes[1] || !codes[3] {
		t.Errorf("packings seen: %v, want at least 0, 1 and 3", codes)
	}
}

func TestSamplesAgreesWithLibopusOnMutatedPackets(t *testing.T) {
	dec := unguarded(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, original := range realPackets(t) {
		for range 4 {
			packet := bytes.Clone(original)
			// The first bytes hold the packing, so most damage goes there.
			for range 1 + rng.IntN(3) {
				packet[rng.IntN(min(len(packet), 4))] = byte(rng.Uint32())
			}
			switch rng.IntN(3) {
			case 0:
				packet = packet[:1+rng.IntN(len(packet))]
			case 1:
				packet = append(packet, make([]byte, rng.IntN(300))...)
			}
			agree(t, dec, packet)
		}
	}
}

func TestSamplesAgreesWithLibopusOnHeaders(t *testing.T) {
	dec := unguarded(t)
	packet := make([]byte, 13)
	for toc := range 256 {
		for _, count := range []byte{0, 1, 2, 3, 5, 6, 7, 12, 24, 25, 48, 49, 63} {
			for _, flags := range []byte{0, 0x40, 0x80, 0xc0} {
				packet[0], packet[1], packet[2], packet[3] = byte(toc), count|flags, 3, 2
				agree(t, dec, packet)
				if toc&3 != 3 {
					break // the second byte is no count
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for i, packet := range realPackets(f) {
		if i%9 == 0 {
			f.Add(packet)
		}
	}
	f.Add([]byte{0x0b, 0xc3, 6, 1, 2, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) > 2*codec.MaxPacket {
			return
		}
		dec := unguarded(t)
		agree(t, dec, packet)
	})
}
