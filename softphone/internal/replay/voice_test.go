package replay_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/softphone/internal/replay"
)

func TestTheVoiceHasSpeechPausesAndAQuietRoom(t *testing.T) {
	pcm, again := make([]int16, 60*audio.Rate), make([]int16, 60*audio.Rate)
	replay.NewVoice(1).Fill(pcm)
	v := replay.NewVoice(1)
	for rest := again; len(rest) > 0; rest = rest[min(len(rest), 777):] {
		v.Fill(rest[:min(len(rest), 777)])
	}
	if !slices.Equal(pcm, again) {
		t.Error("the same seed says something else")
	}
	other := make([]int16, len(pcm))
	replay.NewVoice(2).Fill(other)
	if slices.Equal(pcm, other) {
		t.Error("another seed says the same")
	}
	if peak := max(slices.Max(pcm), -slices.Min(pcm)); peak < 8000 || peak > 32000 {
		t.Errorf("peak %d", peak)
	}
	var levels []float64 // of 20 ms
	for block := range slices.Chunk(pcm, audio.Rate/50) {
		var power float64
		for _, s := range block {
			power += float64(s) * float64(s)
		}
		levels = append(levels, 10*math.Log10(power/float64(len(block))/(1<<30)))
	}
	slices.Sort(levels)
	for _, tt := range []struct {
		what        string
		at          float64 // quantile
		least, most float64
	}{{"the room", 0.1, -72, -62}, {"speech", 0.75, -27, -18}, {"stressed speech", 0.95, -22, -14}} {
		if l := levels[int(tt.at*float64(len(levels)))]; l < tt.least || l > tt.most {
			t.Errorf("%s is at %.1f dBFS, want %v to %v", tt.what, l, tt.least, tt.most)
		}
	}
}

func TestALoopHasNoSeam(t *testing.T) {
	pcm := audiotest.Noise(4801, 10000, 1)
	l, err := replay.OpenLoop(audiotest.WAV(t, pcm))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	got := make([]int16, 3*len(pcm))
	for rest := got; len(rest) > 0; rest = rest[min(len(rest), 960):] {
		l.Fill(rest[:min(len(rest), 960)])
	}
	if want := slices.Concat(pcm, pcm, pcm); !slices.Equal(got, want) || l.Err() != nil {
		t.Errorf("the loop differs from the file, %v", l.Err())
	}
}

func TestALoopOfNothingIsRefused(t *testing.T) {
	if _, err := replay.OpenLoop(audiotest.WAV(t, make([]int16, 100))); err == nil || !strings.Contains(err.Error(), "100ms or more") {
		t.Errorf("a file of 2 ms: %v", err)
	}
	if _, err := replay.OpenLoop("/no/such.wav"); err == nil || !strings.Contains(err.Error(), "/no/such.wav") {
		t.Errorf("no file: %v", err)
	}
}
