package room

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/file"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// sayFrame says 20 ms for a member of the party. A frame with voice but without
// sound takes the floor and adds nothing to the mix.
func (p *party) sayFrame(i int, pcm []int16, voice bool) {
	buf := make([]byte, codec.MaxPacket)
	n, err := p.encs[i].Encode(buf, pcm)
	if err != nil {
		p.tb.Fatal(err)
	}
	marks := markLevelValid | uint32(level.DBov(pcm))
	if voice {
		marks |= markVoice
	}
	p.legs[i].Push(context.Background(), Uplink{
		Frame:    sendq.Frame{Sequence: p.seq, Marks: marks, Data: buf[:n], Made: p.now},
		Packet:   jitter.Packet{Sequence: p.seq, Epoch: 1, Media: int64(p.seq-1) * 960, Samples: 960, Data: buf[:n]},
		Playable: true,
	})
}

// handovers lets member 0 say pcm, while member 1 takes and leaves the floor again
// and again in silence, so that it hears two encoders in turn, and member 2 listens
// to one. It returns what these two hear and where the encoder of the one changes.
func handovers(t *testing.T, pcm []int16) (changing, steady []int16, at []int) {
	t.Helper()
	p := newParty(t, opusFormat, 3, 3, true)
	ears := p.ears()
	hears := p.legs[1].hears
	for n := 0; (n+1)*960 <= len(pcm); n++ {
		p.seq++
		for i := range p.legs {
			frame := make([]int16, 960)
			if i == 0 {
				frame = pcm[n*960 : (n+1)*960]
			}
			p.sayFrame(i, frame, i == 0 || i == 1 && n > 50 && n%47 < 20)
		}
		for range 2 {
			p.now += audio.Period
			p.c.tick(p.now, false)
		}
		if p.legs[1].hears != hears && n > 25 {
			at = append(at, len(changing))
		}
		hears = p.legs[1].hears
		changing = append(changing, p.heard(1, ears[1])...)
		steady = append(steady, p.heard(2, ears[2])...)
	}
	if len(at) < 20 {
		t.Fatalf("only %d changes", len(at))
	}
	// For eyes and ears: ROOM_WAV names a folder.
	if dir := os.Getenv("ROOM_WAV"); dir != "" {
		for name, pcm := range map[string][]int16{"changing": changing, "steady": steady} {
			w, err := file.Create(filepath.Join(dir, filepath.Base(t.Name())+"-"+name+".wav"))
			if err == nil {
				err = w.Write(pcm)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return changing, steady, at
}

// around is what is heard from the frame before a change to four frames after.
func around(pcm []int16, at int) []int16 { return pcm[at-960 : min(at+4*960, len(pcm))] }

// Who takes and leaves the floor hears two encoders of one mix in turn. In a tone
// that is a step no greater than its own and a level that stays; in speech nothing
// that one encoder alone would not do.
func TestAChangeOfEncodersIsNotHeard(t *testing.T) {
	t.Run("tone", func(t *testing.T) {
		const hz, peak = 350, 4000
		changing, steady, at := handovers(t, audiotest.Sine(16*audio.Rate, hz, peak))
		calm := audiotest.MaxStep(steady[audio.Rate:])
		step, off := 0, 0.0
		for _, k := range at {
			pcm := around(changing, k)
			step = max(step, audiotest.MaxStep(pcm))
			for from := 0; from+960 <= len(pcm); from += 240 {
				off = max(off, math.Abs(decibels(audiotest.Goertzel(pcm[from:from+960], hz), peak)))
			}
		}
		t.Logf("%d changes: a step of %d, %d without; the level is off by up to %.1f dB", len(at), step, calm, off)
		if step*4 > calm*5 || off > 1.5 {
			t.Errorf("a step of %d, want at most %d; the level is off by %.1f dB", step, calm*5/4, off)
		}
	})
	t.Run("speech", func(t *testing.T) {
		changing, steady, at := handovers(t, audiotest.Speech(16*audio.Rate, 1))
		step, worst := 0, math.Inf(-1)
		for _, k := range at {
			a, b := around(changing, k), around(steady, k)
			step = max(step, 100*audiotest.MaxStep(a)/max(audiotest.MaxStep(b), 200))
			var difference, energy float64
			for i := range a {
				d := float64(a[i]) - float64(b[i])
				difference += d * d
				energy += float64(b[i]) * float64(b[i])
			}
			if energy < 1e6*float64(len(a))/100 {
				continue // a pause
			}
			worst = max(worst, 10*math.Log10(difference/energy))
		}
		t.Logf("%d changes: a step of %d %% of what one encoder makes; the difference is at most at %.1f dB", len(at), step, worst)
		if step > 150 || worst > -6 {
			t.Errorf("a step of %d %%, a difference of %.1f dB", step, worst)
		}
	})
}
