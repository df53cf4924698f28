package call

import (
	"math"
	"slices"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

const second = audio.Rate

// path is a call whose sent chunks come back to it at once, as from an echo, on
// a clock that the test moves: microphone, clean-up, encoder, jitter buffer,
// decoder, protection, earpiece.
type path struct {
	tb      testing.TB
	call    *Call
	now     time.Duration
	uplink  *uplinkState
	carrier *carrier
	loop    *loopProbe

	sent   []sent
	frame  sendq.Frame
	played []int16 // what the earpiece took
}

// sent is a chunk that left.
type sent struct {
	sequence, media uint64
	marks           uint32
	data            []byte
}

func newPath(tb testing.TB, cfg Config) *path {
	tb.Helper()
	p := &path{tb: tb, loop: &loopProbe{}}
	clock := func() time.Duration { return p.now }
	cfg.Servers, cfg.Destination, cfg.CallID = []string{"test"}, "echo", "test"
	if cfg.Codec == nil {
		cfg.Codec = opus.Codec{}
	}
	cfg.Options = codec.Options{Bitrate: 32000, Complexity: 9, FrameSamples: 960}
	cfg.Clock, cfg.Capture, cfg.Playback = clock, port.NewCapture(clock), port.NewPlayback(clock)
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.cleaner.Close)
	c.answer()
	p.call, p.uplink = c, c.newUplink()
	p.carrier = adopted(c)
	return p
}

// say takes whole periods of pcm through the microphone and plays as much.
func (p *path) say(pcm []int16) {
	p.tb.Helper()
	out := make([]int16, audio.PeriodSamples)
	for ; len(pcm) >= audio.PeriodSamples; pcm = pcm[audio.PeriodSamples:] {
		p.now += audio.Period
		p.call.cfg.Capture.Deliver(pcm[:audio.PeriodSamples])
		if pos, ok := p.call.cfg.Capture.Read(p.uplink.frame); ok {
			if err := p.call.sendFrame(p.uplink, pos); err != nil {
				p.tb.Fatal(err)
			}
		}
		for p.call.pop(p.carrier, &p.frame, p.now) {
			p.pass()
		}
		p.call.cfg.Playback.Take(out)
		p.played = append(p.played, out...)
		p.call.measureLoop(p.loop)
		p.call.fill(make([]int16, audio.PeriodSamples), p.loop)
	}
}

// pass lets the frame come back.
func (p *path) pass() {
	f := &p.frame
	p.sent = append(p.sent, sent{f.Sequence, f.Media, f.Marks, slices.Clone(f.Data)})
	p.carrier.take(&api.AudioChunk{
		AudioData: f.Data, Sequence: f.Sequence, DroppedBefore: f.DroppedBefore, Epoch: 1,
		MediaTime: f.Media, Marks: f.Marks, Ack: f.Sequence,
	})
}

// frames are the chunks with audio.
func (p *path) frames() []sent {
	return slices.DeleteFunc(slices.Clone(p.sent), func(s sent) bool { return len(s.data) == 0 })
}

// rms is a level in dBFS.
func rms(pcm []int16) float64 {
	sum := 0.0
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(max(sum, 1e-9)/float64(len(pcm))/(32767*32767))
}

// active is the RMS of the periods within 20 dB of the loudest, and floor that
// of the quietest tenth.
func active(pcm []int16) (speech, floor float64) {
	var levels []float64
	for part := range slices.Chunk(pcm, audio.PeriodSamples) {
		levels = append(levels, rms(part))
	}
	top := slices.Max(levels)
	var loud []int16
	for i, part := range slices.Collect(slices.Chunk(pcm, audio.PeriodSamples)) {
		if levels[i] > top-20 {
			loud = append(loud, part...)
		}
	}
	slices.Sort(levels)
	return rms(loud), levels[len(levels)/20]
}

// words are n samples of syllables of that level, with a pause of a second after
// every second and a half.
func words(n int, dBFS float64) []int16 {
	pcm := audiotest.Speech(n, 1)
	for at := 3 * second / 2; at < n; at += 5 * second / 2 {
		clear(pcm[at:min(at+second, n)])
	}
	now, _ := active(pcm)
	gain := math.Pow(10, (dBFS-now)/20)
	for i, x := range pcm {
		pcm[i] = int16(min(max(float64(x)*gain, -32767), 32767))
	}
	return pcm
}

// over adds white noise of that RMS to pcm.
func over(pcm []int16, dBFS float64) []int16 {
	noise := audiotest.Noise(len(pcm), 32767*math.Pow(10, dBFS/20)*math.Sqrt(3), 5)
	for i, x := range pcm {
		noise[i] = int16(min(max(int(noise[i])+int(x), -32767), 32767))
	}
	return noise
}

// unprotected is a call whose earpiece plays what comes.
func unprotected(dtx bool) Config { return Config{Unprotected: true, DTX: dtx} }

func TestSilenceIsAnnouncedOnceInTwoHundredMilliseconds(t *testing.T) {
	for _, c := range []codec.Codec{opus.Codec{}, pcm.Codec{}} {
		t.Run(c.Name(), func(t *testing.T) {
			cfg := unprotected(true)
			cfg.Codec = c
			p := newPath(t, cfg)
			p.say(make([]int16, 3*second))
			if n := len(p.frames()); n > 22 {
				t.Errorf("%d frames of silence are sent, want those of the first 400 ms at most", n)
			}
			marks := p.sent[len(p.frames()):]
			if len(marks) < 13 || len(marks) > 15 {
				t.Errorf("%d marks, want one every 200 ms", len(marks))
			}
			for i, m := range marks {
				if m.marks&(wire.MarkDTX|wire.MarkLevelValid) != wire.MarkDTX|wire.MarkLevelValid || m.marks&wire.MarkMuted != 0 {
					t.Errorf("mark %d says %b", i, m.marks)
				}
			}
			last := p.sent[len(p.sent)-1]
			if last.media != (last.sequence-1)*960+1 {
				t.Errorf("sequence %d at media time %d: a slot was not counted", last.sequence, last.media)
			}
			s := p.call.playout.Stats()
			if s.PacketsLost != 0 || s.ConcealedSamples != 0 || s.SilentSamples < 2*second {
				t.Errorf("lost %d, concealed %d, silent %d samples", s.PacketsLost, s.ConcealedSamples, s.SilentSamples)
			}
		})
	}
}

func TestWithoutDTXSilenceIsSent(t *testing.T) {
	p := newPath(t, unprotected(false))
	p.say(make([]int16, 2*second))
	if n := len(p.frames()); n != 100 {
		t.Errorf("%d frames in 2 s, want 100", n)
	}
}

func TestASteadyToneIsNeverTakenForSilence(t *testing.T) {
	for _, dBFS := range []float64{-6, -20, -30, -40} {
		p := newPath(t, unprotected(true))
		p.say(audiotest.Sine(8*second, 440, 32767*math.Pow(10, dBFS/20)*math.Sqrt2))
		if n := len(p.frames()); n != 400 {
			t.Errorf("a tone at %g dBFS: %d of 400 frames are sent", dBFS, n)
		}
	}
}

func TestWordsAreWholeWhereSilenceIsNotSent(t *testing.T) {
	said := words(20*second, -24)
	for name, noise := range map[string]float64{"a quiet room": -90, "a noisy room": -58} {
		t.Run(name, func(t *testing.T) {
			in := over(said, noise)
			p := newPath(t, unprotected(true))
			p.say(in)
			sent := make([]bool, len(said)/960)
			for _, f := range p.frames() {
				sent[f.media/960] = true
			}
			kept := len(p.frames())
			for i, ok := range sent {
				// Softer than 8 dB above the noise it is not heard.
				if level := rms(said[i*960:][:960]); !ok && level > max(noise+8, -60) {
					t.Errorf("a frame at %.2f s with speech at %.0f dBFS is missing", float64(i)/50, level)
				}
			}
			t.Logf("%d of %d frames are sent", kept, len(sent))
			if noise < -80 && kept > len(sent)*4/5 {
				t.Errorf("%d of %d frames are sent: no pause was noticed", kept, len(sent))
			}
			talk := 0
			for _, f := range p.sent {
				if f.marks&wire.MarkTalk != 0 {
					talk++
					if len(f.data) == 0 {
						t.Error("a talk spurt begins without audio")
					}
				}
			}
			if noise < -80 && talk != 7 {
				t.Errorf("%d talk spurts are marked after pauses, there are seven", talk)
			}
		})
	}
}

func TestMutingIsAnnouncedAtOnceAlsoInSilence(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.say(make([]int16, second+2*audio.PeriodSamples))
	before := len(p.sent)
	p.call.SetMuted(true)
	p.say(make([]int16, 4*audio.PeriodSamples))
	if len(p.sent) != before+1 || p.sent[before].marks&wire.MarkMuted == 0 {
		t.Fatalf("%d chunks after muting, want one that says so", len(p.sent)-before)
	}
	p.say(words(second, -20))
	for _, f := range p.sent[before:] {
		if len(f.data) > 0 {
			t.Fatal("audio leaves a muted microphone")
		}
	}
	p.call.SetMuted(false)
	at := len(p.sent)
	p.say(words(second, -20))
	if first := p.sent[at]; len(first.data) == 0 || first.marks&wire.MarkTalk == 0 || first.marks&wire.MarkMuted != 0 {
		t.Errorf("after unmuting a chunk of %d bytes with marks %b comes first", len(first.data), first.marks)
	}
}

func TestOfAMicrophoneThatWasMutedWhileDialingNothingLeaves(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.call.SetMuted(true)
	p.uplink = p.call.newUplink()
	p.say(words(second, -20))
	if n := len(p.frames()); n != 0 || len(p.sent) == 0 || p.sent[0].marks&wire.MarkMuted == 0 {
		t.Errorf("%d frames of %d chunks carry audio, the first is marked %b", n, len(p.sent), p.sent[0].marks)
	}
}

func TestTimeSpentMutedIsNotRated(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.say(words(2*second, -24))
	total := p.call.figures.rated.total.Load()
	if total == 0 {
		t.Fatal("nothing is rated")
	}
	p.call.SetMuted(true)
	p.say(words(2*second, -24))
	if now := p.call.figures.rated.total.Load(); now != total {
		t.Errorf("%d samples were rated while muted", now-total)
	}
	p.call.SetMuted(false)
	p.say(words(2*second, -24))
	if now := p.call.figures.rated.total.Load(); now < total+second {
		t.Errorf("%d samples are rated after unmuting", now-total)
	}
}

func TestFramesDroppedForAgeCountOnce(t *testing.T) {
	for _, tc := range []struct {
		concealed, dropped uint64
		want               float64
	}{
		{0, 0, 0},
		{480, 0, 1},
		{960, 1, 2},                   // the gap was concealed: already in
		{0, 1, 100 * 960.0 / 48960},   // jumped over
		{480, 1, 100 * 960.0 / 48480}, // half of it was concealed
	} {
		var r rated
		r.total.Store(48000)
		r.concealed.Store(tc.concealed)
		r.dropped.Store(tc.dropped)
		if got := r.loss(960); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%d samples concealed, %d frames dropped: %.3f %%, want %.3f", tc.concealed, tc.dropped, got, tc.want)
		}
	}
}

func TestFullScaleBurstsAreHeldThroughTheWholePath(t *testing.T) {
	bursts := map[string][]int16{
		"a whistle":     audiotest.Sine(second, 3000, 32767),
		"a fax tone":    audiotest.Sine(second, 1100, 32767),
		"a square wave": square(second, 400),
		"white noise":   audiotest.Noise(second, 32767, 1),
	}
	for name, burst := range bursts {
		for _, c := range []codec.Codec{opus.Codec{}, pcm.Codec{}} {
			t.Run(name+" in "+c.Name(), func(t *testing.T) {
				p := newPath(t, Config{Codec: c, DTX: true, EarCeiling: protect.DefaultCeiling})
				p.say(burst[:second/5]) // before anybody spoke
				p.say(words(8*second, -34))
				level := p.call.protect.SpeechLevel()
				at := len(p.played)
				p.say(burst)
				p.say(make([]int16, second/2))
				if got := audiotest.Peak(p.played); got > 16423 {
					t.Errorf("peak %d above the ceiling of -6 dBFS", got)
				}
				limit := 32767 * math.Pow(10, (level+protect.Headroom+1)/20)
				if got := audiotest.Peak(p.played[at:]); float64(got) > limit {
					t.Errorf("peak %d after speech at %.1f dBFS, want at most %.0f", got, level, limit)
				}
				if math.Abs(level+34) > 4 {
					t.Errorf("the running speech level is %.1f dBFS, the speech is at -34", level)
				}
				if p.call.limited() == 0 {
					t.Error("nothing is counted")
				}
			})
		}
	}
}

// square returns n samples at full scale that change sign at hz.
func square(n int, hz float64) []int16 {
	pcm := audiotest.Sine(n, hz, 1000)
	for i, x := range pcm {
		pcm[i] = math.MaxInt16
		if x < 0 {
			pcm[i] = math.MinInt16
		}
	}
	return pcm
}

func TestWithoutProtectionThePathIsLeftAlone(t *testing.T) {
	p := newPath(t, Config{Codec: pcm.Codec{}, Unprotected: true})
	p.say(audiotest.Sine(second, 440, 32767))
	if got := audiotest.Peak(p.played); got != 32767 {
		t.Errorf("peak %d, want 32767", got)
	}
	if p.call.limited() != 0 {
		t.Errorf("%d samples are counted", p.call.limited())
	}
}
