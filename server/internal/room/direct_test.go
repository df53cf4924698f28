package room

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

// phones are the softphones of a party's members: they play what it sends.
type phones struct {
	party *party
	ears  []*ear
}

type ear struct {
	down      *downlink
	play      *playout.Playout
	seq       uint64
	skipped   int
	heard     []int16
	concealed int // samples, once it plays
	epochs    []uint32
	frames    []sendq.Frame
}

// newPhones returns a party of members that know everything, with their phones.
func newPhones(t *testing.T, format codec.Format, members int) *phones {
	t.Helper()
	p := newParty(t, format, members, 3, true)
	co, err := directory().cfg.Codecs.Lookup(format.Codec)
	if err != nil {
		t.Fatal(err)
	}
	ph := &phones{party: p}
	for i, l := range p.legs {
		l.member.Extended, l.speaker.dtx = true, true
		dec, err := co.NewDecoder(format)
		if err != nil {
			t.Fatal(err)
		}
		ph.ears = append(ph.ears, &ear{down: p.downs[i], play: playout.New(playout.Config{Decoder: dec})})
	}
	p.ticked = func() {
		for _, e := range ph.ears {
			e.pull(p.now)
		}
	}
	return ph
}

// pull plays 10 ms of what came.
func (e *ear) pull(now time.Duration) {
	frames := e.down.take()
	e.seq += uint64(e.down.skipped - e.skipped)
	e.skipped = e.down.skipped
	for _, f := range frames {
		e.seq += 1 + uint64(f.DroppedBefore)
		if n := len(e.epochs); n == 0 || e.epochs[n-1] != f.Epoch {
			e.epochs = append(e.epochs, f.Epoch)
		}
		e.play.Push(jitter.Packet{
			Sequence: e.seq, DroppedBefore: int(f.DroppedBefore), Epoch: f.Epoch, Media: int64(f.Media) - 1, Samples: f.Samples,
			DTX: f.Marks&markDTX != 0, Talk: f.Marks&markTalk != 0, Data: f.Data,
		}, now)
	}
	e.frames = append(e.frames, frames...)
	pcm := make([]int16, audio.PeriodSamples)
	if got := e.play.Pull(pcm, now); got.Kind != playout.Filling {
		e.concealed += got.Concealed
	}
	e.heard = append(e.heard, pcm...)
}

// forget begins to listen anew.
func (e *ear) forget() { e.heard, e.frames, e.epochs, e.concealed = nil, nil, nil, 0 }

// sealed is pcm that nobody may look into.
type sealed struct {
	pcm.Codec
	tb testing.TB
}

type sealedCoding struct{ tb testing.TB }

func (s sealed) NewEncoder(codec.Format, codec.Options) (codec.Encoder, error) {
	return sealedCoding{s.tb}, nil
}

func (s sealed) NewDecoder(codec.Format) (codec.Decoder, error) { return sealedCoding{s.tb}, nil }

func (s sealedCoding) Encode([]byte, []int16) (int, error) {
	s.tb.Error("something is encoded")
	return 0, errBroken
}

func (s sealedCoding) Decode([]int16, []byte) (int, error) {
	s.tb.Error("something is decoded")
	return 0, errBroken
}

func (s sealedCoding) Conceal([]int16) error { return nil }

func (s sealedCoding) Lookahead() int { return 0 }

func (s sealedCoding) SetDTX(bool) error { return nil }

func TestTwoHearEachOthersBytesAndNothingIsCoded(t *testing.T) {
	d := New(Config{Codecs: codec.NewRegistry(sealed{tb: t}), Clock: audio.NewClock()})
	c := newConference("room/x", 0, 3, d.cfg.Clock)
	var legs [2]*conferenceLeg
	var downs [2]*downlink
	for i := range legs {
		downs[i] = &downlink{}
		l, err := newConferenceLeg(d, member(fmt.Sprint(i)), downs[i])
		if err != nil {
			t.Fatal(err)
		}
		c.join(l)
		legs[i] = l
	}
	now := time.Duration(0)
	var said []sendq.Frame
	for seq := uint64(1); seq <= 60; seq++ {
		if seq == 31 {
			seq += 2 // lost
		}
		f := sendq.Frame{
			Sequence: seq, Epoch: 1 + uint32(seq/50), Media: 1000 + seq*960, Samples: 960,
			Marks: markLevelValid | markVoice | 30, Data: bytes.Repeat([]byte{byte(seq)}, 1920), Made: now,
		}
		c.tick(now, false)
		c.tick(now+audio.Period, false)
		now += 2 * audio.Period
		told := f
		if seq == 40 {
			told.Media = 0 // a sender may give none
		}
		legs[0].Push(context.Background(), Uplink{
			Frame:    told,
			Packet:   jitter.Packet{Sequence: seq, Epoch: f.Epoch, Media: int64(f.Media) - 1, Samples: 960, Data: f.Data},
			Playable: true,
		})
		said = append(said, f)
	}
	got := downs[1].take()
	if len(got) != len(said) {
		t.Fatalf("%d frames of %d came", len(got), len(said))
	}
	for i, f := range got {
		want := said[i]
		if want.Sequence == 33 {
			want.DroppedBefore = 2
		}
		if f.Epoch != want.Epoch || f.Media != want.Media || f.Marks != want.Marks || f.Samples != want.Samples ||
			f.DroppedBefore != want.DroppedBefore || !bytes.Equal(f.Data, want.Data) {
			t.Fatalf("frame %d came as %+v, said was %+v", i, f, want)
		}
	}
	if n := len(downs[0].take()); n != 0 {
		t.Errorf("who talks gets %d frames of one who sends none", n)
	}
	if s := legs[0].Stats(); s.Buffer != 0 || s.Received != 58 || s.Lost != 2 {
		t.Errorf("counted are %+v", s)
	}
	if s := c.stride(); s != directTicks {
		t.Errorf("the room ticks every %d periods", s)
	}
}

// direct reports whether the member hears exactly what other sends.
func (ph *phones) direct(member, other int) bool {
	return ph.party.legs[member].speaker.source == ph.party.legs[other]
}

// A third who comes, listens, talks and leaves again costs those who talk no gap and
// no click: their tone goes on.
func TestAThirdVoicePromotesTheRoomAndBackWithoutGapOrClick(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		t.Run(f.Codec, func(t *testing.T) {
			ph := newPhones(t, f, 3)
			p := ph.party
			third := p.legs[2]
			p.c.part(third)
			p.says[0] = true
			p.run(100)
			if !ph.direct(0, 1) || !ph.direct(1, 0) {
				t.Fatal("two do not hear each other directly")
			}
			ear := ph.ears[1]
			calm := audiotest.MaxStep(ear.heard[audio.Rate:])
			ear.forget()

			p.c.join(third)
			p.run(50)
			if !ph.direct(1, 0) || len(ear.epochs) != 1 {
				t.Error("a third who only listens ends it")
			}
			if db := loudness(ending(ph.ears[2].heard), hz(0), p.peak); math.Abs(db) > 1 {
				t.Errorf("the third hears the talker at %.1f dB", db)
			}
			p.says[2] = true
			p.run(100)
			if ph.direct(1, 0) || ph.direct(0, 1) {
				t.Error("three voices, and somebody still hears one directly")
			}
			heard := ear.heard
			// Both tones may meet at their steepest.
			limit := calm + int(p.peak*2*math.Pi*hz(2)/audio.Rate) + calm/4
			if step := audiotest.MaxStep(heard); step > limit {
				t.Errorf("a step of %d when the mix begins, at most %d is in the tones", step, limit)
			}
			least := math.Inf(1)
			for at := 0; at+960 <= len(heard); at += 240 {
				least = min(least, loudness(heard[at:at+960], hz(0), p.peak))
			}
			if least < -4 || ear.concealed > 0 {
				t.Errorf("the tone falls to %.1f dB, %d samples are made up", least, ear.concealed)
			}
			t.Logf("a step of %d in the tone, %d when the mix begins; it falls to %.1f dB", calm, audiotest.MaxStep(heard), least)
			if db := loudness(ending(heard), hz(2), p.peak); math.Abs(db) > 1 {
				t.Errorf("the third is heard at %.1f dB", db)
			}

			p.says[2] = false
			p.run(50)
			p.c.part(third)
			p.run(50)
			if ph.direct(1, 0) {
				t.Error("the mix ends in the middle of a word")
			}
			ear.forget()
			p.says[0] = false
			p.run(50)
			p.says[0] = true
			p.run(50)
			if !ph.direct(1, 0) || !ph.direct(0, 1) {
				t.Error("two do not hear each other directly again")
			}
			if step := audiotest.MaxStep(ear.heard); step > 2*calm {
				t.Errorf("a step of %d when the mix ends, %d in the tone", step, calm)
			}
			if ear.concealed > 0 {
				t.Errorf("%d samples are made up when the mix ends", ear.concealed)
			}
			if db := loudness(ending(ear.heard), hz(0), p.peak); math.Abs(db) > 1 {
				t.Errorf("in the end the talker is heard at %.1f dB", db)
			}
		})
	}
}

// Who hears one other directly until that one leaves in mid-word is told at once that
// silence follows.
func TestSilenceAfterForwardedFramesIsAnnounced(t *testing.T) {
	ph := newPhones(t, wide(), 2)
	p, ear := ph.party, ph.ears[1]
	p.c.part(p.legs[0])
	p.run(30)
	p.c.join(p.legs[0])
	p.run(10)
	p.says[0] = true
	p.run(30)
	if !ph.direct(1, 0) {
		t.Fatal("two do not hear each other directly")
	}
	skipped := ear.skipped
	ear.forget()
	p.c.part(p.legs[0])
	p.run(2)
	if len(ear.frames) != 1 || ear.frames[0].Marks&markDTX == 0 || ear.skipped > skipped+1 {
		t.Errorf("%d slots are skipped, %d frames sent: %+v", ear.skipped-skipped, len(ear.frames), ear.frames)
	}
}

// loudness is how loud a tone is in pcm, in dB of one with that peak.
func loudness(pcm []int16, hz, peak float64) float64 {
	return 20 * math.Log10(max(audiotest.Goertzel(pcm, hz), 1e-3)/peak)
}

// Whoever cannot take another's frames as they are gets a mix.
func TestMembersWhoHearDifferentlyGetAMix(t *testing.T) {
	opus10 := member("b")
	opus10.Format = opusFormat
	plain := member("c")
	plain.Extended = false
	even := member("d") // of a room that controls levels
	for _, other := range []Member{opus10, plain, even} {
		d := directory()
		d.cfg.LevelControl = other.Name == even.Name
		c := newConference("room/x", 0, 3, d.cfg.Clock)
		for _, m := range []Member{member("a"), other} {
			l, err := newConferenceLeg(d, m, &downlink{})
			if err != nil {
				t.Fatal(err)
			}
			c.join(l)
		}
		for i := range 10 {
			c.tick(time.Duration(i)*audio.Period, false)
		}
		if c.mixes != 2 || c.direct {
			t.Errorf("%+v hears a pcm member directly", other)
		}
	}
}

// People come, talk and go while frames arrive: nobody gets a frame of somebody who
// has left, and the race detector sees nothing.
func TestDirectWaysComeAndGoUnderTraffic(t *testing.T) {
	d := directory()
	stop := make(chan struct{})
	var talking sync.WaitGroup
	for i := range 4 {
		talking.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				l, err := d.Join("room/x", member(fmt.Sprint(i)), &downlink{keep: 1})
				if err != nil {
					t.Error(err)
					return
				}
				for seq := uint64(1); seq < 40; seq++ {
					marks := uint32(markLevelValid | levelSilent)
					if round%2 == i%2 {
						marks = markLevelValid | markVoice | 20
					}
					data := make([]byte, 1920)
					l.Push(context.Background(), Uplink{
						Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Media: seq * 960, Samples: 960, Marks: marks, Data: data, Made: d.cfg.Clock()},
						Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(seq) * 960, Samples: 960, Data: data},
						Playable: true,
					})
					if seq%8 == uint64(i) {
						l.Restrict(seq%3 == 0, seq%5 == 0)
						l.Resumed()
					}
					if seq%5 == 0 {
						<-time.After(5 * time.Millisecond)
					}
				}
				l.Leave()
				if l.(*conferenceLeg).listener.Load() != nil {
					t.Error("one who left is still heard")
				}
			}
		})
	}
	<-time.After(2 * time.Second)
	close(stop)
	talking.Wait()
	if n := d.Rooms(); n != 0 {
		t.Errorf("%d rooms are left", n)
	}
}

// ending is the last half second.
func ending(pcm []int16) []int16 { return pcm[len(pcm)-audio.Rate/2:] }
