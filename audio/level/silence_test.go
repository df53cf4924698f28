package level_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
)

// around returns n samples that wander between value-1 and value+1.
func around(rnd *rand.Rand, value, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(value + rnd.IntN(3) - 1)
	}
	return pcm
}

// named feeds pcm in frames of 20 ms and returns when it was first named so.
func named(s *level.Silence, pcm []int16, want level.Dead) (after time.Duration, ok bool) {
	const frame = audio.Rate / 50
	for at := 0; at+frame <= len(pcm); at += frame {
		if s.Add(pcm[at:at+frame]) == want {
			return audio.Duration(at + frame), true
		}
	}
	return 0, false
}

// spoken is a second of speech over the noise of a room.
func spoken(rnd *rand.Rand) []int16 {
	pcm := audiotest.Speech(audio.Rate, 1)
	for i, x := range noise(rnd, -70, len(pcm)) {
		pcm[i] += x
	}
	return pcm
}

func TestADeadMicrophoneIsNamedWithinASecondAndAHalf(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	drift := make([]int16, 3*audio.Rate)
	for i := range drift {
		drift[i] = int16(900 - i/400)
	}
	for name, tc := range map[string]struct {
		pcm  []int16
		want level.Dead
	}{
		"zeros":                      {make([]int16, 3*audio.Rate), level.Zeros},
		"a constant":                 {constant(1234, 3*audio.Rate), level.Flat},
		"a constant below zero":      {constant(-1, 3*audio.Rate), level.Flat},
		"a constant and a bit":       {around(rnd, -77, 3*audio.Rate), level.Flat},
		"the least sample on and on": {constant(-32768, 3*audio.Rate), level.Flat},
		"a coupling that discharges": {drift, level.Flat},
		"zeros with a crackle":       {crackle(make([]int16, 3*audio.Rate)), level.Zeros},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range [][]int16{nil, spoken(rnd)} {
				var s level.Silence
				s.Add(before)
				after, ok := named(&s, tc.pcm, tc.want)
				if !ok || after > 1500*ms || after < time.Second {
					t.Errorf("named %v after %v", ok, after)
				}
			}
		})
	}
}

// crackle puts a click of 2 ms half a second into pcm.
func crackle(pcm []int16) []int16 {
	copy(pcm[audio.Rate/2:], sine(3000, -10, audio.Rate/500))
	return pcm
}

func TestALiveMicrophoneIsNeverNamed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	speech := audiotest.Speech(30*audio.Rate, 3)
	for at := audio.Rate; at < len(speech); at += 2 * audio.Rate {
		clear(speech[at:min(at+audio.Rate, len(speech))]) // a gate, closed for a second
	}
	offset := noise(rnd, -90, 30*audio.Rate)
	for i := range offset {
		offset[i] += 300
	}
	for name, pcm := range map[string][]int16{
		"a test tone":                              sine(1000, -20, 30*audio.Rate),
		"a test tone that can hardly be heard":     sine(440, -80, 30*audio.Rate),
		"the hum of the mains":                     sine(50, -75, 30*audio.Rate),
		"the noise of a room":                      noise(rnd, -60, 30*audio.Rate),
		"the noise of the best converter":          noise(rnd, -96, 30*audio.Rate),
		"noise of -98 dBFS":                        noise(rnd, -98, 30*audio.Rate),
		"noise beside a DC offset":                 offset,
		"speech between which a noise gate closes": speech,
		"noise suppression before anybody speaks":  around(rnd, 0, 9*audio.Rate),
	} {
		t.Run(name, func(t *testing.T) {
			var s level.Silence
			for at := 0; at < len(pcm); at += 480 {
				if got := s.Add(pcm[at:min(at+480, len(pcm))]); got != level.Alive {
					t.Fatalf("named %d after %v", got, audio.Duration(at))
				}
			}
			if zeros, flat := s.Times(); zeros+flat > 0 {
				t.Errorf("%d and %d samples are counted", zeros, flat)
			}
		})
	}
}

func TestSoundClearsWithinAHundredMillisecondsAndACrackleDoesNot(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for name, dead := range map[string][]int16{
		"zeros": make([]int16, 2*audio.Rate), "flat": around(rnd, 55, 2*audio.Rate),
	} {
		for kind, sound := range map[string][]int16{
			"speech": spoken(rnd), "the noise of a room": noise(rnd, -80, audio.Rate), "a tone": sine(440, -60, audio.Rate),
		} {
			t.Run(name+", then "+kind, func(t *testing.T) {
				var s level.Silence
				if s.Add(dead) == level.Alive {
					t.Fatal("not named")
				}
				if s.Lasted() != len(dead) {
					t.Errorf("lasts %d samples, want %d", s.Lasted(), len(dead))
				}
				s.Add(sine(2000, -6, audio.Rate/200))
				if s.Add(dead[:audio.Rate/10]) == level.Alive {
					t.Error("a crackle of 5 ms cleared it")
				}
				zeros, flat := s.Times()
				if n := zeros + flat; n < uint64(2*audio.Rate) || n > uint64(audio.Rate*22/10) {
					t.Errorf("%d samples are counted", n)
				}
				if after, ok := named(&s, sound, level.Alive); !ok || after > 100*ms {
					t.Errorf("cleared %v after %v", ok, after)
				}
				if s.Lasted() != 0 {
					t.Errorf("lasts %d samples when it is over", s.Lasted())
				}
			})
		}
	}
}

func TestAMicrophoneWithANoiseGateIsGivenTimeAndMoreEachTime(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var s level.Silence
	for range 4 { // it speaks, and its gate closes
		s.Add(spoken(rnd))
		s.Add(make([]int16, audio.Rate*3/10))
	}
	s.Add(spoken(rnd))
	for _, want := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		after, ok := named(&s, make([]int16, 100*audio.Rate), level.Zeros)
		if !ok || after != want {
			t.Errorf("named %v after %v, want %v", ok, after, want)
		}
		if s.Add(spoken(rnd)) != level.Alive {
			t.Error("not cleared by speech")
		}
	}
	if after, ok := named(&s, constant(7, 3*audio.Rate), level.Flat); !ok || after > 1500*ms {
		t.Errorf("a loose plug is named %v after %v", ok, after)
	}
}

func TestFewCodesAroundZeroAreNamedInTheEnd(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	var s level.Silence
	if after, ok := named(&s, around(rnd, 0, 20*audio.Rate), level.Flat); !ok || after != 10*time.Second {
		t.Errorf("named %v after %v", ok, after)
	}
}

func TestOneSilenceCanFollowAnother(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	var s level.Silence
	for range 3 {
		if after, ok := named(&s, make([]int16, 2*audio.Rate), level.Zeros); !ok || after > 1500*ms {
			t.Errorf("zeros are named %v after %v", ok, after)
		}
		if after, ok := named(&s, around(rnd, 400, 2*audio.Rate), level.Flat); !ok || after > 1500*ms {
			t.Errorf("a flat level is named %v after %v", ok, after)
		}
	}
}

func BenchmarkSilence(b *testing.B) {
	var s level.Silence
	pcm := sine(1000, -10, 960)
	for b.Loop() {
		s.Add(pcm)
	}
}
