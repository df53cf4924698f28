package call

import (
	"fmt"
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
	"callcenter/audio/protect"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
)

// straight is a call whose codec loses nothing.
func straight(change ...func(*Config)) Config {
	cfg := Config{Codec: pcm.Codec{}, Unprotected: true}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func amplitude(dBFS float64) float64 { return 32767 * math.Pow(10, dBFS/20) }

func shot(c *Call) callstate.Snapshot {
	var s callstate.Snapshot
	c.Snapshot(&s)
	return s
}

func near(got, want float64) bool { return math.Abs(got-want) <= 0.1 }

func TestTheMetersOfACallReadWhatIsHeard(t *testing.T) {
	for _, hz := range []float64{50, 100, 440, 997, 1000, 3000, 7350, 10007} {
		for _, muted := range []bool{false, true} {
			p := newPath(t, straight())
			p.call.SetMuted(muted)
			p.say(audiotest.Sine(second, hz, amplitude(-20)))
			s := shot(p.call)
			if m := s.Microphone; !near(m.Peak, -20) || !near(m.Hold, -20) || !near(m.RMS, -23.01) || m.Clip {
				t.Errorf("%g Hz of -20 dBFS, muted %v: the microphone reads %+v", hz, muted, m)
			}
			m := s.Earpiece
			switch {
			case muted && m.RMS != level.Floor: // all that was sent is 20 ms of fading, long ago
				t.Errorf("%g Hz while muted: the earpiece reads %+v", hz, m)
			case !muted && (!near(m.Peak, -20) || !near(m.Hold, -20) || !near(m.RMS, -23.01) || m.Clip):
				t.Errorf("%g Hz of -20 dBFS: the earpiece reads %+v", hz, m)
			}
		}
	}
}

func TestTheMetersOfACallFallInTheirTime(t *testing.T) {
	p := newPath(t, straight())
	p.say(audiotest.Sine(second, 1000, amplitude(-6)))
	p.say(make([]int16, second/5)) // through the buffer, too
	for _, end := range []struct {
		name string
		read func() callstate.Meter
	}{
		{"microphone", func() callstate.Meter { return shot(p.call).Microphone }},
		{"earpiece", func() callstate.Meter { return shot(p.call).Earpiece }},
	} {
		start, was := p.now, end.read()
		if !near(was.Hold, -6) {
			t.Errorf("%s: the tick is at %.1f 200 ms later, want -6", end.name, was.Hold)
		}
		p.now += 750 * time.Millisecond
		if m := end.read(); !near(was.Peak-m.Peak, 10) {
			t.Errorf("%s: the bar fell by %.2f dB in 0.75 s, want 10", end.name, was.Peak-m.Peak)
		}
		p.now = start + 1200*time.Millisecond
		if m := end.read(); !near(m.Hold, -6) {
			t.Errorf("%s: the tick is at %.2f before its 1.5 s are over", end.name, m.Hold)
		}
		p.now = start + 4500*time.Millisecond
		if m := end.read(); m.Hold > -30 {
			t.Errorf("%s: the tick is at %.2f three seconds later", end.name, m.Hold)
		}
		p.now = start
	}
}

func TestClippingOfEitherPolarityLightsBothLampsForFiveSeconds(t *testing.T) {
	for name, cut := range map[string][2]int{"positive only": {32767, -20000}, "negative only": {20000, -32768}} {
		p := newPath(t, straight())
		in := audiotest.Sine(second, 440, 32767)
		for i, x := range in {
			in[i] = int16(max(min(2*int(x), cut[0]), cut[1]))
		}
		p.say(in)
		p.say(make([]int16, second/5))
		if s := shot(p.call); !s.Microphone.Clip || !s.Earpiece.Clip {
			t.Errorf("%s: microphone %v, earpiece %v", name, s.Microphone.Clip, s.Earpiece.Clip)
		}
		p.now += 4700 * time.Millisecond
		if s := shot(p.call); !s.Microphone.Clip || !s.Earpiece.Clip {
			t.Errorf("%s, 4.9 s later: microphone %v, earpiece %v", name, s.Microphone.Clip, s.Earpiece.Clip)
		}
		p.now += 500 * time.Millisecond
		if s := shot(p.call); s.Microphone.Clip || s.Earpiece.Clip {
			t.Errorf("%s, 5.4 s later: microphone %v, earpiece %v", name, s.Microphone.Clip, s.Earpiece.Clip)
		}
	}
}

func TestTheMicrophonesGainIsSentAndMetered(t *testing.T) {
	for _, dB := range []float64{-20, -6, 6, 12} {
		for _, muted := range []bool{false, true} {
			p := newPath(t, straight(func(c *Config) { c.Gains.Microphone = dB }))
			p.call.SetMuted(muted)
			p.say(audiotest.Sine(second, 997, amplitude(-20)))
			s := shot(p.call)
			if !near(s.Microphone.Peak, -20+dB) || !near(s.Microphone.RMS, -23.01+dB) || s.Gains.Microphone != dB {
				t.Errorf("%g dB, muted %v: %+v, %+v", dB, muted, s.Microphone, s.Gains)
			}
			if !muted && !near(s.Earpiece.RMS, -23.01+dB) {
				t.Errorf("%g dB: it comes back at %.2f", dB, s.Earpiece.RMS)
			}
		}
	}
}

func TestAGainThatClipsLightsTheLamp(t *testing.T) {
	for dB, want := range map[float64]bool{0: false, 11.8: false, 12.5: true, 20: true} {
		p := newPath(t, straight(func(c *Config) { c.Gains.Microphone = dB }))
		p.say(audiotest.Sine(second/2, 997, amplitude(-12)))
		if s := shot(p.call); s.Microphone.Clip != want {
			t.Errorf("a peak of -12 dBFS with %g dB: CLIP %v", dB, s.Microphone.Clip)
		}
	}
	p := newPath(t, straight(func(c *Config) { c.Gains.Microphone = -20 }))
	p.say(audiotest.Sine(second/2, 997, 32767))
	if s := shot(p.call); s.Microphone.Clip {
		t.Error("CLIP for what is sent at -20 dBFS")
	}
}

func TestADeadMicrophoneIsNamedWhateverItsGain(t *testing.T) {
	for _, dB := range []float64{-20, 0, 20} {
		for want, in := range map[callstate.Silence][]int16{
			callstate.ExactZeros: make([]int16, 2*second),
			callstate.FlatLevel:  flat(2*second, 1500),
			callstate.NoSilence:  audiotest.Noise(2*second, 4, 1), // -83 dBFS: a quiet room
		} {
			p := newPath(t, straight(func(c *Config) { c.Gains.Microphone, c.Microphone.Backend = dB, "test" }))
			p.say(in)
			if s := shot(p.call); s.Silence != want {
				t.Errorf("with %g dB: silence %d, want %d", dB, s.Silence, want)
			}
		}
	}
}

func TestTheEarsVolumeTurnsTheVoiceAlone(t *testing.T) {
	for _, dB := range []float64{-40, -10, 6} {
		p := newPath(t, straight(func(c *Config) { c.Gains.Earpiece, c.Sounds = dB, true }))
		p.say(audiotest.Sine(2*second, 997, amplitude(-20)))
		s := shot(p.call)
		if !near(s.Earpiece.RMS, -23.01+dB) || !near(s.Microphone.RMS, -23.01) || s.Gains.Earpiece != dB {
			t.Errorf("%g dB: the earpiece reads %.2f, the microphone %.2f, %+v", dB, s.Earpiece.RMS, s.Microphone.RMS, s.Gains)
		}
	}
	var peaks []int
	for _, dB := range []float64{-40, 0, 12} {
		p := newPath(t, straight(func(c *Config) { c.Gains.Earpiece, c.Sounds = dB, true }))
		p.say(make([]int16, 2*second))
		at := len(p.played)
		p.call.localDigit('5', p.now)
		p.say(make([]int16, second/2))
		peaks = append(peaks, audiotest.Peak(p.played[at:]))
	}
	if peaks[0] != peaks[1] || peaks[1] != peaks[2] || peaks[0] < 1500 || peaks[0] > 1650 {
		t.Errorf("a digit peaks at %v, whatever the volume", peaks)
	}
}

func TestAVoiceThatIsTurnedUpIsLimitedAndNotClipped(t *testing.T) {
	p := newPath(t, straight(func(c *Config) { c.Gains.Earpiece = 12 }))
	p.say(audiotest.Sine(3*second, 440, amplitude(-3)))
	heard := p.played[2*second:]
	all, own := rms(heard), audiotest.Goertzel(heard[:second], 440)
	// What is not at 440 Hz is distortion.
	share := math.Pow(10, all/10)*32767*32767 - own*own/2
	if thd := 10 * math.Log10(math.Max(share, 1)/(own*own/2)); thd > -35 || audiotest.Peak(heard) > 29300 {
		t.Errorf("distortion of %.1f dB, a peak of %d", thd, audiotest.Peak(heard))
	}
	p = newPath(t, Config{Codec: pcm.Codec{}, EarCeiling: protect.DefaultCeiling, Gains: callstate.Gains{Earpiece: 12}})
	p.say(audiotest.Sine(3*second, 440, amplitude(-3)))
	if peak := audiotest.Peak(p.played); peak > 16423 {
		t.Errorf("a peak of %d above the ceiling", peak)
	}
}

func TestTurningAKnobInACallMakesNoClick(t *testing.T) {
	p := newPath(t, straight(func(c *Config) { c.Sounds = true }))
	p.now = 5 * time.Second // no answer is heard
	for i, g := range []callstate.Gains{{}, {Microphone: 12}, {Microphone: 12, Earpiece: -40}, {Microphone: -20}, {}} {
		p.call.SetGains(g)
		in := audiotest.Sine(second, 400, 3000)
		at := len(p.played)
		p.say(in)
		part := p.played[max(at-second/10, 0):]
		if i == 0 {
			part = part[second/2:]
		}
		most := 3000 * 4.1 * 2 * math.Pi * 400 / audio.Rate
		if d := audiotest.MaxStep(part); float64(d) > most {
			t.Errorf("%+v: a step of %d, a sine makes %.0f", g, d, most)
		}
	}
}

func TestADigitIsHeardByThisOperatorAlone(t *testing.T) {
	p := newPath(t, straight(func(c *Config) { c.Sounds = true }))
	p.say(make([]int16, second))
	for _, d := range "07#x" {
		p.call.localDigit(d, p.now)
		p.say(make([]int16, second/5))
	}
	if s := p.call.cues.Stats(); s.Played != 4 { // the answer and three digits
		t.Errorf("counted %+v", s)
	}
	for _, f := range p.frames() {
		if audiotest.Peak(f.samples()) != 0 {
			t.Fatal("something is sent")
		}
	}
	for i, hz := range [][2]float64{{941, 1336}, {852, 1209}, {941, 1477}} {
		part := p.played[second+i*second/5:][:second/5]
		for _, f := range hz {
			if got := audiotest.Goertzel(part, f); got < 300 {
				t.Errorf("digit %d: %.0f Hz has an amplitude of %.0f", i, f, got)
			}
		}
	}
}

// samples are those of a chunk of codec pcm.
func (s sent) samples() []int16 {
	out := make([]int16, len(s.data)/2)
	for i := range out {
		out[i] = int16(uint16(s.data[2*i]) | uint16(s.data[2*i+1])<<8)
	}
	return out
}

func TestTheHintIsOnTheScreenAndInTheReport(t *testing.T) {
	p := newPath(t, straight())
	talk := said(3, 40*second)
	p.say(talk[:2*second])
	p.call.SetMuted(true)
	p.say(talk[2*second:][:second/2])
	if shot(p.call).TalkingWhileMuted {
		t.Error("a hint at once")
	}
	seen := time.Duration(0)
	for i := range 200 {
		p.say(talk[3*second+i*second/10:][:second/10])
		if shot(p.call).TalkingWhileMuted {
			seen += 100 * time.Millisecond
		}
	}
	if seen < 3900*time.Millisecond || seen > 4100*time.Millisecond {
		t.Errorf("the hint is shown for %v in 20 s, want 4 s", seen)
	}
	if n := p.call.Report().Stats.TalkWhileMutedHints; n != 1 {
		t.Errorf("%d hints are counted", n)
	}
	p.call.SetMuted(false)
	if shot(p.call).TalkingWhileMuted {
		t.Error("a hint at an open microphone")
	}
}

func TestGainsAreWhatTheyWereSetTo(t *testing.T) {
	p := newPath(t, straight())
	for _, g := range []callstate.Gains{{}, {Microphone: 3.5, Earpiece: -12.25}} {
		p.call.SetGains(g)
		if got := fmt.Sprint(shot(p.call).Gains); got != fmt.Sprint(g) {
			t.Errorf("%s, want %v", got, g)
		}
	}
}

func TestWhileHeldThereIsNoHintAndOwnSoundsAreHeard(t *testing.T) {
	p := newPath(t, straight(func(c *Config) { c.Sounds = true }))
	talk := said(3, 20*second)
	p.say(talk[:2*second])
	p.call.SetMuted(true)
	p.call.SetHeld(true)
	for i := range 100 {
		p.say(talk[2*second+i*second/10:][:second/10])
		if shot(p.call).TalkingWhileMuted {
			t.Fatal("a hint while the call is held")
		}
	}
	at := len(p.played)
	p.call.localDigit('1', p.now)
	p.say(make([]int16, second/2))
	if peak := audiotest.Peak(p.played[at:]); peak < 1500 {
		t.Errorf("a digit peaks at %d", peak)
	}
	p.call.SetHeld(false)
	p.say(talk[12*second:][:4*second])
	if p.call.Report().Stats.TalkWhileMutedHints != 1 {
		t.Error("no hint once the call goes on")
	}
}
