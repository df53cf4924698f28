package opus_test

import (
	"math"
	"testing"

	"callcenter/codec"
	"callcenter/codec/opus"
)

type predictor interface{ SetPrediction(on bool) error }

// Whoever hears one encoder and then another, which encodes the same and had four
// frames to warm up, hears a steady tone go on: the first frame of the other is not
// predicted from what its listener never heard.
func TestAFrameWithoutPredictionFollowsAnotherEncoder(t *testing.T) {
	const frames, every, held = 1500, 27, 6
	tone := transcoded(t, frames, 350)
	worst := map[bool]float64{}
	bytes := map[bool]int{}
	for _, predicted := range []bool{true, false} {
		first, second, dec := newEncoder(t), newEncoder(t), newDecoder(t)
		packet, heard := make([]byte, codec.MaxPacket), make([]int16, 960)
		encode := func(e codec.Encoder, at int) []byte {
			n, err := e.Encode(packet, tone[960*at:960*(at+1)])
			if err != nil {
				t.Fatal(err)
			}
			return packet[:n]
		}
		for at := range frames {
			since := at % every
			changes := at >= every && (since == 0 || since == held) // to second, and back
			setPrediction(t, first, predicted || !changes)
			setPrediction(t, second, predicted || !changes)
			p := encode(first, at)
			if at >= every && since < held {
				p = encode(second, at)
			}
			if _, err := dec.Decode(heard, p); err != nil {
				t.Fatal(err)
			}
			if changes {
				bytes[predicted] += len(p)
			}
			if since >= every-4 {
				encode(second, at)
			}
			if at > every {
				worst[predicted] = max(worst[predicted], math.Abs(20*math.Log10(rms(heard)/rms(tone[960*at:960*(at+1)]))))
			}
		}
	}
	t.Logf("the level is off by up to %.1f dB after predicted frames, %.1f dB after others, which take %.1f times the bytes",
		worst[true], worst[false], float64(bytes[false])/float64(bytes[true]))
	if worst[false] > 1.2 || worst[true] < worst[false] {
		t.Errorf("the level is off by %.1f dB, with prediction by %.1f dB", worst[false], worst[true])
	}
	if bytes[false]*4 < bytes[true]*5 || bytes[false] > 3*bytes[true] {
		t.Errorf("frames of %d bytes instead of %d", bytes[false], bytes[true])
	}
}

func setPrediction(t *testing.T, e codec.Encoder, on bool) {
	t.Helper()
	p, ok := e.(predictor)
	if !ok {
		t.Fatal("the encoder's prediction cannot be set")
	}
	if err := p.SetPrediction(on); err != nil {
		t.Fatal(err)
	}
}

// transcoded is a tone as a mixer gets it: through a codec.
func transcoded(t *testing.T, frames int, hz float64) []int16 {
	t.Helper()
	enc, dec := newEncoder(t), newDecoder(t)
	packet, out := make([]byte, codec.MaxPacket), make([]int16, 960*frames)
	pcm := make([]int16, 960)
	for at := range frames {
		for i := range pcm {
			pcm[i] = int16(4000 * math.Sin(2*math.Pi*hz*float64(960*at+i)/48000))
		}
		n, err := enc.Encode(packet, pcm)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(out[960*at:960*(at+1)], packet[:n]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func newEncoder(t *testing.T) codec.Encoder {
	t.Helper()
	enc, err := opus.Codec{}.NewEncoder(mono, usual)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func newDecoder(t *testing.T) codec.Decoder {
	t.Helper()
	dec, err := opus.Codec{}.NewDecoder(mono)
	if err != nil {
		t.Fatal(err)
	}
	return dec
}
