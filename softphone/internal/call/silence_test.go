package call

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/softphone/internal/callstate"
)

// flat is n samples of one value.
func flat(n int, value int16) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = value
	}
	return pcm
}

func (p *path) silence() callstate.Silence {
	var s callstate.Snapshot
	p.call.Snapshot(&s)
	return s.Silence
}

// untilNamed says pcm and returns when it was named so.
func (p *path) untilNamed(pcm []int16, want callstate.Silence) (after time.Duration, ok bool) {
	p.tb.Helper()
	for at := 0; at+audio.PeriodSamples <= len(pcm); at += audio.PeriodSamples {
		p.say(pcm[at : at+audio.PeriodSamples])
		if p.silence() == want {
			return audio.Duration(at + audio.PeriodSamples), true
		}
	}
	return 0, false
}

func TestASilentMicrophoneIsToldApartWithinTwoSeconds(t *testing.T) {
	for want, dead := range map[callstate.Silence][]int16{
		callstate.ExactZeros: make([]int16, 3*second),
		callstate.FlatLevel:  flat(3*second, 815),
	} {
		p := newPath(t, unprotected(true))
		p.call.SetEndpoints(audio.Endpoint{Name: "headset", Backend: "pulseaudio", Period: audio.Period}, audio.Endpoint{})
		p.say(over(words(2*second, -24), -70))
		if got := p.silence(); got != callstate.NoSilence {
			t.Fatalf("speech is silence %d", got)
		}
		if after, ok := p.untilNamed(dead, want); !ok || after < time.Second || after > 1500*time.Millisecond {
			t.Errorf("silence %d is named %v after %v", want, ok, after)
		}
		p.call.SetMuted(true)
		if got := p.silence(); got != callstate.NoSilence {
			t.Errorf("a muted microphone is silence %d", got)
		}
		p.call.SetMuted(false)
		p.say(dead[:second])
		if after, ok := p.untilNamed(over(words(second, -24), -70), callstate.NoSilence); !ok || after > 100*time.Millisecond {
			t.Errorf("silence %d is over %v after %v", want, ok, after)
		}
		s := p.call.Report().MicSilence
		if s == nil || s.Zeros+s.Flat < 2.1 || s.Zeros+s.Flat > 2.4 || s.Zeros > 0 != (want == callstate.ExactZeros) || s.Stalled != 0 {
			t.Errorf("the report says %+v", s)
		}
	}
}

func TestAMicrophoneWithoutCallbacksIsNamedWithinTwoSeconds(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.call.SetEndpoints(audio.Endpoint{Backend: "alsa", Period: audio.Period}, audio.Endpoint{})
	p.call.start.Store(1) // the path's clock begins at 0, which is no answer
	p.now += 900 * time.Millisecond
	if got := p.silence(); got != callstate.NoSilence {
		t.Errorf("silence %d, 0.9 s after the answer", got)
	}
	p.now += 200 * time.Millisecond
	if got := p.silence(); got != callstate.NoCallbacks {
		t.Errorf("silence %d of a microphone that never began", got)
	}
	tone := audiotest.Sine(second, 440, 9000)
	p.say(tone)
	p.now += 3 * time.Second
	if got := p.silence(); got != callstate.NoCallbacks {
		t.Errorf("silence %d, 3 s after the last callback", got)
	}
	if s := p.call.Report().MicSilence; s == nil || s.Stalled != 3 {
		t.Errorf("the report says %+v while it lasts", s)
	}
	p.say(tone[:2*audio.PeriodSamples])
	if got := p.silence(); got != callstate.NoSilence {
		t.Errorf("silence %d with the first callback", got)
	}
	if s := p.call.Report().MicSilence; s == nil || s.Stalled < 3 || s.Stalled > 3.1 || s.Zeros+s.Flat > 0 {
		t.Errorf("the report says %+v when it is over", s)
	}
}

func TestADeviceOfLongPeriodsIsNotStalled(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.call.SetEndpoints(audio.Endpoint{Backend: "alsa", Period: 400 * time.Millisecond}, audio.Endpoint{})
	p.call.start.Store(1)
	p.now += 1500 * time.Millisecond
	if got := p.silence(); got != callstate.NoSilence {
		t.Errorf("silence %d within four periods", got)
	}
}

func TestWhatIsNoDeviceIsSilentByWish(t *testing.T) {
	for _, backend := range []string{"null", "file", "tone"} {
		p := newPath(t, unprotected(true))
		p.call.SetEndpoints(audio.Endpoint{Backend: backend}, audio.Endpoint{})
		p.call.start.Store(1)
		p.say(make([]int16, 3*second))
		p.now += 5 * time.Second
		if got := p.silence(); got != callstate.NoSilence {
			t.Errorf("%s: silence %d", backend, got)
		}
		if s := p.call.Report().MicSilence; s != nil {
			t.Errorf("%s: the report says %+v", backend, s)
		}
	}
}

// A gate is a microphone's own: zeros of the next one are named as early as ever.
func TestWhatWasLearnedOfAMicrophoneIsNoNewsOfAnother(t *testing.T) {
	p := newPath(t, unprotected(true))
	ear := audio.Endpoint{}
	p.call.SetEndpoints(audio.Endpoint{ID: "gated", Backend: "pulseaudio", Period: audio.Period}, ear)
	p.call.start.Store(1)
	tone, zeros := audiotest.Sine(second, 440, 9000), make([]int16, second/2)
	for range 5 {
		p.say(tone)
		p.say(zeros)
	}
	p.say(tone)
	p.say(make([]int16, 2*second))
	if got := p.silence(); got != callstate.NoSilence {
		t.Errorf("silence %d, 2 s after a gate closed", got)
	}
	p.say(tone)
	p.call.SetEndpoints(audio.Endpoint{ID: "muted", Backend: "pulseaudio", Period: audio.Period}, ear)
	p.say(make([]int16, 3*second/2))
	if got := p.silence(); got != callstate.ExactZeros {
		t.Errorf("silence %d, 1.5 s after a muted headset was taken", got)
	}
}
