package room

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

func TestAMixInWhichNobodyIsHeardIsAnnouncedAsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory()
		l, down := join(t, d, "room/x", member("a"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		frames := down.take()
		audible := 0
		for len(frames[audible].Data) > 0 {
			audible++
		}
		if audible != 5 {
			t.Errorf("%d frames of 20 ms before silence is announced, want 100 ms", audible)
		}
		marks := frames[audible:]
		if len(marks) < 9 || len(marks) > 10 {
			t.Errorf("%d marks in 1.9 s, want one every 200 ms", len(marks))
		}
		for i, f := range marks {
			if f.Marks != markDTX|markLevelValid|levelSilent || len(f.Data) > 0 || f.Samples != 0 {
				t.Errorf("mark %d: marks %b, %d bytes", i, f.Marks, len(f.Data))
			}
			if want := uint64(5*960+9600*i) + 1; f.Media != want {
				t.Errorf("mark %d at media time %d, want %d", i, f.Media, want)
			}
		}
		if slots := len(frames) + down.skipped; slots != 100 {
			t.Errorf("%d frame slots in 2 s, want 100", slots)
		}
		l.Leave()
	})
}

// talk lets a member say a tone for that long, then announce silence. It
// returns the next sequence.
func talk(l Leg, clock audio.Clock, enc codec.Encoder, seq uint64, d time.Duration) uint64 {
	buf := make([]byte, codec.MaxPacket)
	tone := audiotest.Sine(audio.Samples(d), 440, 8000)
	for ; len(tone) >= 960; tone = tone[960:] {
		n, err := enc.Encode(buf, tone[:960])
		if err != nil {
			panic(err)
		}
		l.Push(context.Background(), Uplink{
			Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Data: buf[:n], Made: clock()},
			Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(seq-1) * 960, Samples: 960, Data: buf[:n]},
			Playable: true,
		})
		seq++
		time.Sleep(20 * time.Millisecond)
	}
	l.Push(context.Background(), Uplink{
		Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Made: clock()},
		Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(seq-1) * 960, DTX: true},
		Playable: true,
	})
	return seq + 1
}

// hear plays what a member was sent, as its softphone would.
func hear(t *testing.T, f codec.Format, frames []sendq.Frame) []int16 {
	t.Helper()
	c, err := directory().cfg.Codecs.Lookup(f.Codec)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := c.NewDecoder(f)
	if err != nil {
		t.Fatal(err)
	}
	p := playout.New(playout.Config{Decoder: dec})
	var heard []int16
	pcm := make([]int16, audio.PeriodSamples)
	seq := uint64(0)
	for now := time.Duration(0); len(frames) > 0; now += audio.Period {
		for len(frames) > 0 && audio.Duration(int(frames[0].Media)) <= now {
			seq++
			p.Push(jitter.Packet{
				Sequence: seq, Epoch: frames[0].Epoch, Media: int64(frames[0].Media) - 1, Samples: frames[0].Samples,
				DTX: frames[0].Marks&markDTX != 0, Talk: frames[0].Marks&markTalk != 0, Data: frames[0].Data,
			}, now)
			frames = frames[1:]
		}
		p.Pull(pcm, now)
		heard = append(heard, pcm...)
	}
	return heard
}

func TestTalkComesBackWholeAfterSilence(t *testing.T) {
	for _, f := range []codec.Format{wide(), {Codec: "opus", Rate: 48000, Channels: 1}} {
		t.Run(f.Codec, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := directory()
				m := member("a")
				m.Format = f
				talker, _ := join(t, d, "room/x", m)
				listener, down := join(t, d, "room/x", m)
				third, _ := join(t, d, "room/x", m) // else nothing is mixed
				c, err := d.cfg.Codecs.Lookup(f.Codec)
				if err != nil {
					t.Fatal(err)
				}
				enc, err := c.NewEncoder(f, codec.Options{Complexity: complexity, FrameSamples: 960})
				if err != nil {
					t.Fatal(err)
				}
				seq := uint64(1)
				for range 3 {
					time.Sleep(700 * time.Millisecond)
					seq = talk(talker, d.cfg.Clock, enc, seq, 600*time.Millisecond)
				}
				time.Sleep(400 * time.Millisecond)
				synctest.Wait()
				frames := down.take()
				talker.Leave()
				listener.Leave()
				third.Leave()

				talks, said := 0, time.Duration(0)
				for _, f := range frames {
					if f.Marks&markTalk != 0 {
						talks++
					}
					said += audio.Duration(f.Samples)
				}
				if talks != 3 {
					t.Errorf("%d talk spurts are marked, want 3", talks)
				}
				if said > 2500*time.Millisecond {
					t.Errorf("%v of audio were sent for 1.8 s of talk", said)
				}
				heard := hear(t, f, frames)
				if f.Codec == codec.PCM { // Opus delays what it was told before the pause
					// 440 Hz at 8000 moves by 461 a sample.
					if step := audiotest.MaxStep(heard); step > 600 {
						t.Errorf("a step of %d in what is heard", step)
					}
				}
				loud := 0
				for i := 0; i+480 <= len(heard); i += 480 {
					if audiotest.Peak(heard[i:i+480]) > 7000 {
						loud++
					}
				}
				if got := time.Duration(loud) * audio.Period; math.Abs(got.Seconds()-1.8) > 0.15 {
					t.Errorf("%v of the tone are heard, want 1.8 s", got)
				}
			})
		})
	}
}

// A mix that fades in and out, with pauses between, as a speaker sends it, must
// not move by more a sample than it does itself when it is decoded again.
func TestASpeakerGoesSilentAndComesBackWithoutAClick(t *testing.T) {
	for _, f := range []codec.Format{wide(), {Codec: "opus", Rate: 48000, Channels: 1}} {
		t.Run(f.Codec, func(t *testing.T) {
			m, down, d := member("a"), &downlink{}, directory()
			m.Format = f
			s, err := newSpeaker(d.cfg, m, down)
			if err != nil {
				t.Fatal(err)
			}
			for spurt := range 4 {
				tone := audiotest.Sine(audio.Rate/2+spurt*audio.PeriodSamples, 440, 8000)
				for i := range 240 {
					tone[i] = int16(int(tone[i]) * i / 240)
					tone[len(tone)-1-i] = int16(int(tone[len(tone)-1-i]) * i / 240)
				}
				for ; len(tone) > 0; tone = tone[audio.PeriodSamples:] {
					copy(s.next(), tone)
					s.done(true)
				}
				for range 50 {
					clear(s.next())
					s.done(false)
				}
			}
			c, err := d.cfg.Codecs.Lookup(f.Codec)
			if err != nil {
				t.Fatal(err)
			}
			dec, err := c.NewDecoder(f)
			if err != nil {
				t.Fatal(err)
			}
			var heard []int16
			for _, frame := range down.take() {
				pcm := make([]int16, 960)
				if len(frame.Data) > 0 {
					if _, err := dec.Decode(pcm, frame.Data); err != nil {
						t.Fatal(err)
					}
				}
				heard = append(heard, pcm...)
			}
			if step := audiotest.MaxStep(heard); step > 600 { // its own is 461
				t.Errorf("a step of %d", step)
			}
			if peak := audiotest.Peak(heard); peak < 7500 {
				t.Errorf("a peak of %d, want 8000", peak)
			}
		})
	}
}
