package call

import (
	"math"
	"slices"
	"testing"
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/clean"
	"callcenter/softphone/internal/callstate"
)

// heardWith is what comes back of in with that clean-up, after its first second.
func heardWith(t *testing.T, o clean.Options, in []int16) []int16 {
	t.Helper()
	cfg := unprotected(false)
	cfg.CleanUp = o
	p := newPath(t, cfg)
	p.say(in)
	return p.played[second:]
}

func TestLevelControlBringsSpeechToItsTargetInACall(t *testing.T) {
	for _, from := range []float64{-38, -30, -12} {
		in := over(words(16*second, from), from-40)
		before, _ := active(heardWith(t, clean.Options{}, in)[8*second:])
		after, _ := active(heardWith(t, clean.Options{Level: true}, in)[8*second:])
		t.Logf("from %.1f to %.1f dBFS RMS", before, after)
		if math.Abs(after+22) > 3.5 {
			t.Errorf("speech at %g dBFS is sent at %.1f, want about -22", from, after)
		}
	}
}

func TestNoiseSuppressionLowersTheFloorAndKeepsSpeechInACall(t *testing.T) {
	if !clean.HasDenoise {
		t.Log("not built in")
		return
	}
	in := over(words(16*second, -24), -50)
	speech, floor := active(heardWith(t, clean.Options{}, in)[6*second:])
	cleaned, lower := active(heardWith(t, clean.Options{Denoise: true}, in)[6*second:])
	t.Logf("noise from %.1f to %.1f dBFS, speech from %.1f to %.1f", floor, lower, speech, cleaned)
	if floor-lower < 12 {
		t.Errorf("noise goes from %.1f to %.1f dBFS, want 12 dB less", floor, lower)
	}
	if math.Abs(speech-cleaned) > 2 {
		t.Errorf("speech goes from %.1f to %.1f dBFS", speech, cleaned)
	}
}

func TestTheHighPassTakesRumbleOffInACall(t *testing.T) {
	in := audiotest.Sine(4*second, 30, 8000)
	before, after := rms(heardWith(t, clean.Options{}, in)), rms(heardWith(t, clean.Options{HighPass: true}, in))
	if before-after < 15 {
		t.Errorf("30 Hz goes from %.1f to %.1f dBFS, want 15 dB less", before, after)
	}
}

func TestLevelAndVoiceMarksAreTakenBeforeTheCleanUp(t *testing.T) {
	in := words(6*second, -40)
	marks := func(o clean.Options) (all []uint32) {
		cfg := unprotected(false)
		cfg.CleanUp = o
		p := newPath(t, cfg)
		p.say(in)
		for _, f := range p.sent {
			all = append(all, f.marks)
		}
		return all
	}
	raw := marks(clean.Options{})
	cleaned := marks(clean.Options{HighPass: true, Denoise: true, Level: true})
	if !slices.Equal(raw, cleaned) {
		t.Error("marks change with the clean-up")
	}
	if raw[len(raw)/2]&wire.MarkLevelValid == 0 {
		t.Error("there is no level")
	}
}

func TestTheCleanUpsOwnDelayIsInTheStagesAndInTheLoop(t *testing.T) {
	stage := func(p *path) (d time.Duration) {
		for _, s := range p.call.delay((*histogram).mean).Stages {
			if s.Name == "clean-up" {
				d = s.Delay
			}
		}
		return d
	}
	loops := map[bool]time.Duration{}
	for _, on := range []bool{false, true} {
		cfg := unprotected(false)
		cfg.CleanUp = clean.Options{HighPass: true, Denoise: on}
		p := newPath(t, cfg)
		p.say(words(6*second, -24))
		want := time.Duration(0)
		if on && clean.HasDenoise {
			want = 10 * time.Millisecond // half a frame
		}
		if got := stage(p); got != want {
			t.Errorf("noise suppression %v: a stage of %v, want %v", on, got, want)
		}
		loops[on], _ = p.call.figures.loop.mean()
	}
	want := time.Duration(0)
	if clean.HasDenoise {
		want = 10 * time.Millisecond
	}
	if got := loops[true] - loops[false]; got < want-2*time.Millisecond || got > want+2*time.Millisecond {
		t.Errorf("the loop is %v longer with noise suppression, want %v", got, want)
	}
}

func TestTheCleanUpIsSwitchedDuringACall(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.say(words(second, -30))
	p.call.SetCleanUp(clean.Options{HighPass: true, Level: true})
	p.say(words(6*second, -30))
	var s callstate.Snapshot
	p.call.Snapshot(&s)
	if !s.CleanUp.HighPass || !s.CleanUp.Level || s.CleanUp.Denoise || s.CleanUp.Gain < 3 {
		t.Errorf("the screen sees %+v", s.CleanUp)
	}
	r := p.call.Report()
	if r.CleanUp == nil || !r.CleanUp.LevelControl || r.CleanUp.GainDB < 3 {
		t.Errorf("the report says %+v", r.CleanUp)
	}
	if audio.Duration(len(p.played)) != 7*time.Second {
		t.Errorf("%v were played", audio.Duration(len(p.played)))
	}
}
