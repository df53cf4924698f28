package opus_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	libopus "github.com/hraban/opus"

	"callcenter/codec"
	"callcenter/codec/opus"
)

// corpus are real packets in the order in which encoders made them, an encoder
// after the other.
type corpus [][]byte

// newCorpus returns packets of every mode, bandwidth, frame duration and number of
// channels, with and without silence that is left out and forward error correction,
// each encoder for half a second of speech and pauses.
func newCorpus(tb testing.TB) corpus {
	tb.Helper()
	in := speech(48000)
	clear(in[24000:36000]) // a pause, for what is left out
	var packets corpus
	for i, app := range []libopus.Application{libopus.AppVoIP, libopus.AppAudio, libopus.AppRestrictedLowdelay} {
		for j, frame := range []int{120, 240, 480, 960, 1920, 2880} {
			for k, bandwidth := range []libopus.Bandwidth{
				libopus.Narrowband, libopus.Mediumband, libopus.Wideband, libopus.SuperWideband, libopus.Fullband,
			} {
				for channels := 1; channels <= 2; channels++ {
					enc, err := libopus.NewEncoder(48000, channels, app)
					if err != nil {
						tb.Fatal(err)
					}
					odd := (i+j+k+channels)%2 != 0
					if err := errors.Join(
						enc.SetMaxBandwidth(bandwidth), enc.SetBitrate([]int{9000, 14000, 20000, 32000, 64000}[k]*channels),
						enc.SetComplexity(1), enc.SetDTX(odd), enc.SetInBandFEC(!odd), enc.SetPacketLossPerc(15), enc.SetVBR(k != 2),
					); err != nil {
						tb.Fatal(err)
					}
					packets = append(packets, encodeAll(tb, enc, in, frame*channels)...)
				}
			}
		}
	}
	return packets
}

// encodeAll returns the packets of the whole frames of in.
func encodeAll(tb testing.TB, enc *libopus.Encoder, in []int16, frame int) (packets corpus) {
	tb.Helper()
	buf := make([]byte, codec.MaxPacket)
	for ; len(in) >= frame && len(packets) < 60; in = in[frame:] {
		n, err := enc.Encode(in[:frame:frame], buf)
		if err != nil {
			tb.Fatal(err)
		}
		packets = append(packets, slices.Clone(buf[:n]))
	}
	return packets
}

func TestTheMutatedPacketsBeginAsAllThereAre(t *testing.T) {
	var seen [32]bool
	var stereo, dtx [2]bool
	for _, p := range newCorpus(t) {
		seen[p[0]>>3], stereo[p[0]>>2&1], dtx[min(len(p), 3)/3] = true, true, true
	}
	for config, ok := range seen {
		if !ok {
			t.Errorf("no packet of configuration %d", config)
		}
	}
	if stereo != [2]bool{true, true} || dtx != [2]bool{true, true} {
		t.Errorf("mono and stereo %v, left out and not %v", stereo, dtx)
	}
}

// mutator makes sequences of packets that are damaged here and there.
type mutator struct {
	corpus
	rng *rand.Rand
}

// sequence returns a run of one encoder's packets, or of a few, after each other.
// Packets are slices of exactly their length in memory of their own.
func (m *mutator) sequence() [][]byte {
	var run [][]byte
	for range 1 + m.rng.IntN(3) {
		at := m.rng.IntN(len(m.corpus))
		run = append(run, m.corpus[at:min(len(m.corpus), at+1+m.rng.IntN(24))]...)
	}
	damage := m.rng.IntN(4) // of four packets
	out := make([][]byte, 0, 2*len(run))
	for _, p := range run {
		p = slices.Clone(p)
		if m.rng.IntN(4) < damage {
			p = m.mutate(p)
		}
		out = append(out, p)
		if m.rng.IntN(32) == 0 {
			out = append(out, slices.Clone(p))
		}
	}
	for range m.rng.IntN(3) { // reordered
		i, j := m.rng.IntN(len(out)), m.rng.IntN(len(out))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// mutate returns a packet that is p no longer, at least one byte of it.
func (m *mutator) mutate(p []byte) []byte {
	switch m.rng.IntN(8) {
	case 0: // cut off
		p = p[:1+m.rng.IntN(len(p))]
	case 1: // longer than it was
		more := make([]byte, 1+m.rng.IntN(300))
		for i := range more {
			more[i] = byte(m.rng.Uint32())
		}
		p = append(p, more...)
	case 2: // another head
		p[0] = byte(m.rng.Uint32())
	case 3: // another packing
		p[0] = p[0]&^3 | byte(m.rng.IntN(4))
		if len(p) > 1 {
			p[1] = byte(m.rng.IntN(25)) | byte(m.rng.IntN(4))<<6
		}
	case 4: // the end of another packet
		other := m.corpus[m.rng.IntN(len(m.corpus))]
		p = append(p[:1+m.rng.IntN(len(p))], other[m.rng.IntN(len(other)):]...)
	case 5: // a run of one value
		from := m.rng.IntN(len(p))
		for i := from; i < min(len(p), from+1+m.rng.IntN(16)); i++ {
			p[i] = byte(0 - m.rng.IntN(2))
		}
	default: // bits
		for range 1 << m.rng.IntN(6) {
			p[m.rng.IntN(len(p))] ^= 1 << m.rng.IntN(8)
		}
	}
	return slices.Clone(p)
}

// tally is what became of the packets.
type tally struct{ sequences, packets, concealed, refused, failed int }

// asCalled decodes a sequence with one of our decoders, and now and then lets it
// conceal: what passes the check must be decoded, to as many samples as it announced,
// and nothing else may get to libopus.
func (m *mutator) asCalled(t *testing.T, n *tally) {
	dec, err := opus.Codec{}.NewDecoder(mono)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.sequence() {
		if m.rng.IntN(16) == 0 {
			n.concealed++
			if err := dec.Conceal(make([]int16, 120*(1+m.rng.IntN(8)))); err != nil {
				t.Fatal(err)
			}
		}
		n.packets++
		want, err := mono.Samples(p)
		if err != nil {
			n.refused++
			if _, err := dec.Decode(make([]int16, longest), p); !errors.Is(err, codec.ErrPacket) {
				t.Fatalf("% x is malformed, and the decoder says %v", p, err)
			}
			continue
		}
		if got, err := dec.Decode(make([]int16, want), p); err != nil || got != want {
			t.Fatalf("% x: %d samples of %d, %v", p, got, want, err)
		}
	}
}

// unchecked decodes a sequence with libopus alone, whatever it is, at any rate and
// number of channels. It may refuse what is malformed.
func (m *mutator) unchecked(t *testing.T, n *tally) {
	channels := 1 + m.rng.IntN(2)
	rate := []int{8000, 12000, 16000, 24000, 48000}[m.rng.IntN(5)]
	dec, err := libopus.NewDecoder(rate, channels)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.sequence() {
		n.packets++
		room := longest * rate / 48000
		if m.rng.IntN(4) == 0 {
			room = rate / 400 * (1 + m.rng.IntN(48))
		}
		pcm := make([]int16, room*channels)
		switch m.rng.IntN(16) {
		case 0:
			n.concealed++
			err = dec.DecodePLC(pcm)
		case 1:
			n.concealed++
			err = dec.DecodeFEC(p, pcm)
		default:
			_, err = dec.Decode(p, pcm)
		}
		if err != nil {
			n.failed++
		}
	}
}

// TestMutatedSequences lets libopus decode sequences of real packets that are damaged
// by bit flips, truncation, extension, duplication, reordering and splicing. .ci/asan
// runs it for OPUS_MUTATED with a libopus that checks itself; here it takes a moment.
func TestMutatedSequences(t *testing.T) {
	limit, err := time.ParseDuration(cmp.Or(os.Getenv("OPUS_MUTATED"), "0s"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("OPUS_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	packets := newCorpus(t)
	for _, way := range []struct {
		name string
		one  func(*mutator, *testing.T, *tally)
	}{
		{"that pass our check", (*mutator).asCalled},
		{"of any kind", (*mutator).unchecked},
	} {
		t.Run(way.name, func(t *testing.T) {
			var n tally
			begin, at := time.Now(), seed
			for n.sequences < 300 || time.Since(begin) < limit/2 {
				if limit > 0 && (at-seed)%1000 == 0 { // where a sanitizer ends the test, it was of these
					fmt.Printf("sequences of the seeds %d to %d\n", at, at+999)
				}
				way.one(&mutator{packets, rand.New(rand.NewPCG(at, 8))}, t, &n)
				n.sequences++
				at++
			}
			t.Logf("libopus %s: %d sequences, %d packets, %d of them malformed to us, %d refused by libopus; %d concealed",
				libopus.Version(), n.sequences, n.packets, n.refused, n.failed, n.concealed)
		})
	}
}
