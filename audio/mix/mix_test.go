package mix_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"callcenter/audio/mix"
)

// tone returns n samples at 48 kHz.
func tone(hz, amplitude float64, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/48000)))
	}
	return out
}

// goertzel returns the amplitude of a frequency in pcm.
func goertzel(hz float64, pcm []int16) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/48000)
	var a, b float64
	for _, x := range pcm {
		a, b = float64(x)+k*a-b, a
	}
	return 2 / float64(len(pcm)) * math.Sqrt(a*a+b*b-k*a*b)
}

// conference mixes voices in blocks and returns what each participant hears.
func conference(voices [][]int16, block int) [][]int16 {
	heard := make([][]int16, len(voices))
	limiters := make([]mix.Limiter, len(voices))
	sum := mix.NewSum(block)
	out := make([]int16, block)
	for at := 0; at+block <= len(voices[0]); at += block {
		sum.Reset()
		for _, v := range voices {
			sum.Add(v[at : at+block])
		}
		for i, v := range voices {
			sum.Minus(out, v[at:at+block], &limiters[i])
			heard[i] = append(heard[i], out...)
		}
	}
	return heard
}

func TestBelowTheCeilingTheMixIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for legs := 1; legs <= 12; legs++ {
		voices := make([][]int16, legs)
		for i := range voices {
			voices[i] = make([]int16, 1920)
			for j := range voices[i] {
				voices[i][j] = int16(rng.IntN(2*mix.Ceiling+1)-mix.Ceiling) / int16(max(legs-1, 1))
			}
		}
		for me, heard := range conference(voices, 480) {
			for i, got := range heard {
				want := 0.0
				for other := range voices {
					if other != me {
						want += float64(voices[other][i])
					}
				}
				if float64(got) != want {
					t.Fatalf("%d legs, leg %d, sample %d = %d, want %v", legs, me, i, got, want)
				}
			}
		}
	}
}

func TestFullScaleVoicesStayBelowTheCeilingWithTheirSign(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, legs := range []int{2, 3, 10} {
		for _, kind := range []string{"tones", "squares", "noise", "lows", "highs"} {
			voices := make([][]int16, legs)
			for i := range voices {
				voices[i] = tone(200+70*float64(i), math.MaxInt16, 9600)
				for j, x := range voices[i] {
					switch {
					case kind == "lows", kind == "squares" && x < 0:
						voices[i][j] = math.MinInt16
					case kind == "highs", kind == "squares":
						voices[i][j] = math.MaxInt16
					case kind == "noise":
						voices[i][j] = int16(rng.Uint32())
					}
				}
			}
			for me, heard := range conference(voices, 960) {
				for i, got := range heard {
					want := 0
					for other := range voices {
						if other != me {
							want += int(voices[other][i])
						}
					}
					if got > mix.Ceiling || got < -mix.Ceiling || int(got)*want < 0 {
						t.Fatalf("%d legs of %s, leg %d, sample %d = %d for a sum of %d", legs, kind, me, i, got, want)
					}
				}
			}
		}
	}
}

func TestNobodyHearsThemselves(t *testing.T) {
	frequencies := []float64{300, 700, 1100, 1900}
	for _, amplitude := range []float64{5000, 32767} {
		voices := make([][]int16, len(frequencies))
		for i, hz := range frequencies {
			voices[i] = tone(hz, amplitude, 48000)
		}
		for me, heard := range conference(voices, 960) {
			settled := heard[24000:]
			own := goertzel(frequencies[me], settled)
			for other, hz := range frequencies {
				level := goertzel(hz, settled)
				if other == me {
					continue
				}
				if ratio := 20 * math.Log10(max(own, 1e-9)/level); ratio > -60 {
					t.Errorf("at amplitude %v leg %d hears itself at %.1f dB of leg %d, want below -60", amplitude, me, ratio, other)
				}
				if level < 4900 {
					t.Errorf("at amplitude %v leg %d hears leg %d at amplitude %.0f only", amplitude, me, other, level)
				}
			}
		}
	}
}

func TestAListenerOutsideTheSumHearsEverybody(t *testing.T) {
	sum := mix.NewSum(4)
	sum.Add([]int16{1, 2, 3, 4})
	sum.Add([]int16{10, 20, 30, 40})
	out := make([]int16, 4)
	sum.Minus(out, nil, &mix.Limiter{})
	if want := []int16{11, 22, 33, 44}; !slices.Equal(out, want) {
		t.Errorf("mix is %v, want %v", out, want)
	}
}

func TestResetForgetsTheLastBlock(t *testing.T) {
	sum := mix.NewSum(2)
	sum.Add([]int16{1, 2})
	sum.Reset()
	sum.Add([]int16{5, 6})
	out := make([]int16, 2)
	sum.Minus(out, nil, nil)
	if want := []int16{5, 6}; !slices.Equal(out, want) {
		t.Errorf("mix is %v, want %v", out, want)
	}
}

func TestLengthsThatDiffer(t *testing.T) {
	sum := mix.NewSum(4)
	sum.Add([]int16{1, 1})
	sum.Add([]int16{2, 2, 2, 2, 2, 2})
	out := slices.Repeat([]int16{9}, 6)
	sum.Minus(out, []int16{1, 1}, nil)
	if want := []int16{2, 2, 2, 2, 0, 0}; !slices.Equal(out, want) {
		t.Errorf("mix is %v, want %v", out, want)
	}
	sum.Minus(out[:1], []int16{2, 2, 2, 2, 2, 2}, &mix.Limiter{})
	if out[0] != 1 {
		t.Errorf("mix starts with %d, want 1", out[0])
	}
}

func TestTheMixMayOverwriteTheVoice(t *testing.T) {
	sum := mix.NewSum(3)
	voice := []int16{7, 8, 9}
	sum.Add(voice)
	sum.Add([]int16{1, 2, 3})
	sum.Minus(voice, voice, &mix.Limiter{})
	if want := []int16{1, 2, 3}; !slices.Equal(voice, want) {
		t.Errorf("mix is %v, want %v", voice, want)
	}
}

func TestWithoutALimiterTheMixClipsAndDoesNotWrap(t *testing.T) {
	sum := mix.NewSum(2)
	for range 3 {
		sum.Add([]int16{math.MaxInt16, math.MinInt16})
	}
	out := make([]int16, 2)
	sum.Minus(out, nil, nil)
	if want := []int16{math.MaxInt16, math.MinInt16}; !slices.Equal(out, want) {
		t.Errorf("mix is %v, want %v", out, want)
	}
}
