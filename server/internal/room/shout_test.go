package room

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/mix"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

const shouters = 10

// shouting is a conference whose members say what the test gives them.
type throng struct {
	tb    testing.TB
	d     *Directory
	c     *conference
	legs  []*conferenceLeg
	downs []*downlink
	ears  []codec.Decoder
	seq   uint64
	now   time.Duration
	heard oracle // what each must hear, in floating point
}

func newThrong(tb testing.TB, cfg Config, members int, hears codec.Format) *throng {
	tb.Helper()
	p := &throng{tb: tb, d: New(cfg), heard: oracle{want: make([][]float64, members)}}
	p.c = newConference("room/x", 0, p.d.cfg.Speakers, p.d.cfg.Clock)
	co, err := p.d.cfg.Codecs.Lookup(hears.Codec)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range members {
		down := &downlink{}
		l, err := newConferenceLeg(p.d, Member{Name: fmt.Sprint(i), Format: hears, FrameMS: 20}, down)
		if err != nil {
			tb.Fatal(err)
		}
		ear, err := co.NewDecoder(hears)
		if err != nil {
			tb.Fatal(err)
		}
		p.c.join(l)
		p.legs, p.downs, p.ears = append(p.legs, l), append(p.downs, down), append(p.ears, ear)
	}
	return p
}

// say lets 20 ms pass in which each member says that, coded as they hear.
func (p *throng) say(encs []codec.Encoder, says [][]int16) {
	p.tb.Helper()
	p.seq++
	buf := make([]byte, codec.MaxPacket)
	for i, l := range p.legs {
		if says[i] == nil {
			continue
		}
		n, err := encs[i].Encode(buf, says[i])
		if err != nil {
			p.tb.Fatal(err)
		}
		l.Push(context.Background(), Uplink{
			Frame: sendq.Frame{
				Sequence: p.seq, Marks: markLevelValid | markVoice | uint32(level.DBov(says[i])), Data: buf[:n], Made: p.now,
			},
			Packet:   jitter.Packet{Sequence: p.seq, Epoch: 1, Media: int64(p.seq-1) * 960, Samples: 960, Data: buf[:n]},
			Playable: true,
		})
	}
	for range 2 {
		p.now += audio.Period
		p.c.tick(p.now, false)
		p.heard.tick(p.legs)
	}
}

// encoders returns one for each member.
func (p *throng) encoders() []codec.Encoder {
	p.tb.Helper()
	encs := make([]codec.Encoder, len(p.legs))
	for i, l := range p.legs {
		co, err := p.d.cfg.Codecs.Lookup(l.member.Format.Codec)
		if err != nil {
			p.tb.Fatal(err)
		}
		if encs[i], err = co.NewEncoder(l.member.Format, codec.Options{Complexity: complexity, FrameSamples: 960}); err != nil {
			p.tb.Fatal(err)
		}
	}
	return encs
}

// hear returns what a member was sent since the last time.
func (p *throng) hear(i int) []int16 {
	p.tb.Helper()
	var heard []int16
	for _, f := range p.downs[i].take() {
		if len(f.Data) == 0 {
			continue
		}
		out := make([]int16, f.Samples)
		if _, err := p.ears[i].Decode(out, f.Data); err != nil {
			p.tb.Fatal(err)
		}
		heard = append(heard, out...)
	}
	return heard
}

// at20ms returns frame n of what somebody says over and over.
func at20ms(pcm []int16, n int) []int16 { return pcm[n*960%len(pcm):][:960] }

// shouts are what ten people shout at full scale.
func shouts(kind string) [][]int16 {
	all := make([][]int16, shouters)
	for i := range all {
		switch kind {
		case "voices":
			all[i] = audiotest.Speech(audio.Rate, uint64(i+1))
			for k, x := range all[i] { // 20 dB beyond full scale, as a microphone clips
				all[i][k] = int16(min(max(10*int(x), math.MinInt16), math.MaxInt16))
			}
		case "tones":
			all[i] = audiotest.Sine(audio.Rate, hz(i), math.MaxInt16)
		case "the same square":
			all[i] = make([]int16, audio.Rate)
			for k := range all[i] {
				all[i][k] = math.MaxInt16
				if k/120%2 == 1 {
					all[i][k] = math.MinInt16
				}
			}
		}
	}
	return all
}

// sums lets everyone say that for n frames, and returns what each hears and the sum
// that it is of.
func (p *throng) sums(says [][]int16, n int) (heard [][]int16, sums [][]float64) {
	p.tb.Helper()
	encs, frame := p.encoders(), make([][]int16, len(says))
	heard = make([][]int16, len(says))
	for k := range n {
		for i := range says {
			if says[i] != nil {
				frame[i] = at20ms(says[i], k)
			}
		}
		p.say(encs, frame)
		for i := range says {
			heard[i] = append(heard[i], p.hear(i)...)
		}
	}
	return heard, p.heard.want
}

func TestTenWhoShoutStayBelowTheCeiling(t *testing.T) {
	for _, kind := range []string{"voices", "tones", "the same square"} {
		t.Run(kind, func(t *testing.T) {
			cfg := Config{Codecs: directory().cfg.Codecs, Clock: audio.NewClock(), Speakers: shouters}
			p := newThrong(t, cfg, shouters+1, wide())
			heard, sums := p.sums(append(shouts(kind), nil), 60)
			highest, most := 0, 0.0
			for i, pcm := range heard {
				highest = max(highest, audiotest.Peak(pcm))
				for k, x := range pcm {
					if float64(x)*sums[i][k] < 0 {
						t.Fatalf("member %d: sample %d is %d for a sum of %.0f", i, k, x, sums[i][k])
					}
					most = max(most, math.Abs(sums[i][k]))
				}
			}
			t.Logf("the highest sum is %.0f, the highest sample %d (%.2f dBFS)", most, highest,
				20*math.Log10(float64(highest)/math.MaxInt16))
			if highest > mix.Ceiling || highest < mix.Ceiling*9/10 || most < 5*math.MaxInt16 {
				t.Errorf("the highest sample is %d, want at most %d and nearly that", highest, mix.Ceiling)
			}
		})
	}
}

// What ten tones become that add up to ten times full scale is tones again: the rest
// of the spectrum stays far below them.
func TestShoutingIsTurnedDownAndNotDistorted(t *testing.T) {
	cfg := Config{Codecs: directory().cfg.Codecs, Clock: audio.NewClock(), Speakers: shouters}
	p := newThrong(t, cfg, shouters+1, wide())
	heard, _ := p.sums(append(shouts("tones"), nil), 105)
	for i, pcm := range heard {
		pcm = pcm[audio.Rate:][:audio.Rate] // a second, in which each tone has whole waves
		total, tones := 0.0, 0.0
		for _, x := range pcm {
			total += float64(x) * float64(x)
		}
		for j := range shouters {
			a := audiotest.Goertzel(pcm, hz(j))
			if j == i {
				if db := 20 * math.Log10(max(a, 1e-3)/audiotest.Goertzel(pcm, hz((j+1)%shouters))); db > -40 {
					t.Errorf("member %d hears itself at %.1f dB of another", i, db)
				}
				continue
			}
			tones += a * a / 2 * float64(len(pcm))
		}
		distortion := 10 * math.Log10(max(total-tones, 1)/tones)
		t.Logf("member %d: all but the tones is at %.1f dB", i, distortion)
		if distortion > -30 {
			t.Errorf("member %d: all but the tones is at %.1f dB", i, distortion)
		}
	}
}

// Opus rings above the ceiling that its encoder was given: shouting voices by up to 1
// dB, where the decoder clips, in 0.3 % of the samples. It never wraps around.
func TestOpusOfShoutingRingsAndDoesNotWrapAround(t *testing.T) {
	for _, kind := range []string{"voices", "tones"} {
		t.Run(kind, func(t *testing.T) {
			cfg := Config{Codecs: directory().cfg.Codecs, Clock: audio.NewClock(), Speakers: shouters}
			p := newThrong(t, cfg, shouters+1, opusFormat)
			heard, _ := p.sums(append(shouts(kind), nil), 60)
			highest, over, n, turned := 0, 0, 0, 0
			for _, pcm := range heard {
				highest = max(highest, audiotest.Peak(pcm))
				for k, x := range pcm {
					n++
					if x > mix.Ceiling || x < -mix.Ceiling {
						over++
					}
					if k > 0 && int(x)*int(pcm[k-1]) < -(20000*20000) {
						turned++
					}
				}
			}
			t.Logf("the highest decoded sample is %d (%.2f dBFS), %.2f %% are above the ceiling",
				highest, 20*math.Log10(float64(highest)/math.MaxInt16), 100*float64(over)/float64(n))
			if turned > 0 {
				t.Errorf("%d samples turn from one end of the range to the other", turned)
			}
			if part := float64(over) / float64(n); part > 0.02 {
				t.Errorf("%.1f %% of the samples are above the ceiling", 100*part)
			}
		})
	}
}
