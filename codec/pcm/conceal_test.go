package pcm_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"callcenter/codec"
)

// step returns the greatest difference of neighbours.
func step(audio []int16) int {
	most := 0
	for i := 1; i < len(audio); i++ {
		d := int(audio[i]) - int(audio[i-1])
		most = max(most, d, -d)
	}
	return most
}

func rms(audio []int16) float64 {
	sum := 0.0
	for _, x := range audio {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(audio)))
}

// gapped decodes in with packets from gap[0] to gap[1] missing and concealed in
// chunks.
func gapped(t *testing.T, f codec.Format, frame, chunk int, gap [2]int, in []int16) (out []int16) {
	t.Helper()
	enc, dec := newPair(t, f, frame)
	packet := make([]byte, codec.MaxPacket)
	room := make([]int16, frame)
	for i := 0; (i+1)*frame <= len(in); i++ {
		n, err := enc.Encode(packet, in[i*frame:(i+1)*frame])
		if err != nil {
			t.Fatal(err)
		}
		if i < gap[0] || i >= gap[1] {
			got, err := dec.Decode(room, packet[:n])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, room[:got]...)
			continue
		}
		for at := 0; at < frame; at += chunk {
			if err := dec.Conceal(room[at : at+chunk]); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, room...)
	}
	return out
}

func TestAGapHasNoClicks(t *testing.T) {
	for _, rate := range []int{8000, 44100, 48000} {
		for _, hz := range []float64{80, 440, 1333} {
			for missing := 1; missing <= 6; missing++ {
				t.Run(fmt.Sprintf("%d Hz tone at %d Hz, %d frames missing", int(hz), rate, missing), func(t *testing.T) {
					in := sine(hz, 20000, 960*(missing+4))
					out := gapped(t, format(rate, 1), 960, 480, [2]int{3, 3 + missing}, in)
					// The fade back sums two tones of any phase, so it may be a
					// little steeper than one of them.
					if got, limit := step(out[500:]), step(in)*115/100+170; got > limit {
						t.Errorf("step of %d, the tone's own is %d", got, step(in))
					}
				})
			}
		}
	}
}

func TestConcealingFadesToSilence(t *testing.T) {
	in := sine(400, 20000, 960*20)
	out := gapped(t, format(48000, 1), 960, 960, [2]int{10, 16}, in)
	loud := rms(in)
	for i, want := range []float64{1, 0.9, 0.5, 0, 0, 0} {
		block := out[(10+i)*960+240 : (11+i)*960]
		if got := rms(block) / loud; math.Abs(got-want) > 0.02 {
			t.Errorf("%d ms into the gap the level is %.2f, want %.2f", i*20, got, want)
		}
	}
	if !slices.Equal(out[:9600], in[:9600]) {
		t.Error("audio before the gap changed")
	}
	if !slices.Equal(out[16*960+240:], in[16*960+240:]) {
		t.Error("audio from 5 ms after the gap changed")
	}
}

func TestConcealingDoesNotDependOnTheChunks(t *testing.T) {
	in := sine(400, 20000, 960*20)
	want := gapped(t, format(48000, 1), 960, 960, [2]int{5, 9}, in)
	for _, chunk := range []int{120, 240, 480} {
		if !slices.Equal(want, gapped(t, format(48000, 1), 960, chunk, [2]int{5, 9}, in)) {
			t.Errorf("chunks of %d sound different", chunk)
		}
	}
}

func TestConcealingBeforeTheFirstPacketIsSilence(t *testing.T) {
	_, dec := newPair(t, format(8000, 1), 960)
	room := slices.Repeat([]int16{99}, 960)
	if err := dec.Conceal(room); err != nil {
		t.Fatal(err)
	}
	if rms(room) != 0 {
		t.Error("something was made up from nothing")
	}
}

func TestAFadeLongerThanAPacketGoesOnInTheNext(t *testing.T) {
	_, dec := newPair(t, format(48000, 1), 480)
	room := make([]int16, 480)
	loud := slices.Repeat([]byte{0, 64}, 480) // 16384
	if _, err := dec.Decode(room, loud); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := dec.Conceal(room); err != nil {
			t.Fatal(err)
		}
	}
	var out []int16
	for range 5 {
		if _, err := dec.Decode(room, loud[:200]); err != nil {
			t.Fatal(err)
		}
		out = append(out, room[:100]...)
	}
	if !slices.IsSorted(out) || out[0] != 0 || out[99] > 16384/2 || out[240] != 16384 {
		t.Errorf("fade back goes %d, %d, %d, %d, want a rise over 240 samples", out[0], out[99], out[199], out[240])
	}
}
