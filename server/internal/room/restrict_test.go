package room

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// unheardDB is how loud a tone may seem that is not there: the coding of others beside
// it leaves noise.
const unheardDB = -40

// silent reports that pcm has nothing but a phone's own comfort noise.
func silent(pcm []int16) bool { return audiotest.Peak(pcm) <= 30 }

// audible is how many frames with audio came.
func (e *ear) audible() (n int) {
	for _, f := range e.frames {
		if len(f.Data) > 0 {
			n++
		}
	}
	return n
}

// names are of the participants that a member's events and levels speak of.
func (d *downlink) names() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make(map[string]bool)
	for _, e := range d.events {
		all[e.Participant] = true
	}
	for _, l := range d.levels {
		for _, s := range l.Speakers {
			all[s.Participant] = true
		}
	}
	return all
}

func (d *downlink) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events, d.levels = nil, nil
}

func TestAListenOnlyMemberIsHeardByNobody(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		for _, members := range []int{2, 3, 5} {
			t.Run(fmt.Sprintf("%s of %d", f.Codec, members), func(t *testing.T) {
				ph := newPhones(t, f, members)
				p := ph.party
				const quiet = 1
				p.legs[quiet].Restrict(true, false)
				for i := range p.says {
					p.says[i] = i < 3
				}
				for i := range ph.ears {
					p.downs[i].forget()
				}
				p.run(150)
				for i, ear := range ph.ears {
					if i == quiet {
						continue
					}
					if db := loudness(ear.heard[audio.Rate/2:], hz(quiet), p.peak); db > unheardDB {
						t.Errorf("member %d hears it at %.0f dB", i, db)
					}
					if members == 2 && !silent(ear.heard) {
						t.Errorf("member %d hears a peak of %d", i, audiotest.Peak(ear.heard))
					}
					if p.downs[i].names()[p.legs[quiet].id] {
						t.Errorf("member %d is told that it speaks", i)
					}
				}
				for _, other := range []int{0, 2} {
					if other >= members {
						continue
					}
					if db := loudness(ending(ph.ears[quiet].heard), hz(other), p.peak); math.Abs(db) > 1.5 {
						t.Errorf("it hears member %d at %.1f dB", other, db)
					}
				}
				if got := p.legs[quiet].Stats(); got.Hushed != got.Received || got.Hushed != 150 {
					t.Errorf("counted are %+v", got)
				}
				if ph.direct(quiet, 0) != (members == 2) {
					t.Errorf("it hears the other directly: %v", ph.direct(quiet, 0))
				}
			})
		}
	}
}

func TestASpeakOnlyMemberHearsNobodyAndIsToldOfNobody(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		for _, members := range []int{2, 3, 5} {
			t.Run(fmt.Sprintf("%s of %d", f.Codec, members), func(t *testing.T) {
				ph := newPhones(t, f, members)
				p := ph.party
				const shut = 1
				p.legs[shut].Restrict(false, true)
				p.downs[shut].forget()
				for i := range p.says {
					p.says[i] = i < 3
				}
				p.run(150)
				p.legs[0].Digit('5')
				p.legs[0].Hold(true)
				p.run(10)
				ear := ph.ears[shut]
				if !silent(ear.heard) || ear.concealed != 0 {
					t.Errorf("it hears a peak of %d, %d samples are made up", audiotest.Peak(ear.heard), ear.concealed)
				}
				audible := ear.audible()
				// The tail before silence is announced, and one announcement each 200 ms.
				if announced := len(ear.frames) - audible; audible > 6 || announced < 10 || announced > 20 {
					t.Errorf("it is sent %d frames, %d with audio", len(ear.frames), audible)
				}
				if names := p.downs[shut].names(); len(names) != 0 || len(p.downs[shut].levels) != 0 {
					t.Errorf("it is told of %v", names)
				}
				for i, other := range ph.ears {
					if i == shut {
						continue
					}
					if db := loudness(other.heard[120*960:150*960], hz(shut), p.peak); math.Abs(db) > 1.5 {
						t.Errorf("member %d hears it at %.1f dB", i, db)
					}
				}
				if ph.direct(0, shut) != (members == 2) || ph.direct(shut, 0) {
					t.Errorf("directly they hear %v and %v", ph.direct(0, shut), ph.direct(shut, 0))
				}
			})
		}
	}
}

// One who may only speak and one who may only listen are a room like any other: a
// third makes it a mix, and goes.
func TestWhatAMemberMayNotSurvivesPromotionAndDemotion(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		t.Run(f.Codec, func(t *testing.T) {
			ph := newPhones(t, f, 3)
			p := ph.party
			speaks, listens, third := 0, 1, 2
			p.legs[speaks].Restrict(false, true)
			p.legs[listens].Restrict(true, false)
			p.c.part(p.legs[third])
			p.says = []bool{true, true, true}
			check := func(when string, direct bool) {
				t.Helper()
				if ph.direct(listens, speaks) != direct || ph.direct(speaks, listens) {
					t.Errorf("%s: directly they hear %v and %v", when, ph.direct(listens, speaks), ph.direct(speaks, listens))
				}
				if !silent(ph.ears[speaks].heard) {
					t.Errorf("%s: who may not listen hears a peak of %d", when, audiotest.Peak(ph.ears[speaks].heard))
				}
				if db := loudness(ending(ph.ears[listens].heard), hz(speaks), p.peak); math.Abs(db) > 1.5 {
					t.Errorf("%s: who may listen hears the other at %.1f dB", when, db)
				}
				for i := range ph.ears {
					ph.ears[i].forget()
				}
			}
			p.run(100)
			check("two", true)
			p.c.join(p.legs[third])
			p.run(100)
			if db := loudness(ending(ph.ears[third].heard), hz(listens), p.peak); db > unheardDB {
				t.Errorf("the third hears who may not speak at %.0f dB", db)
			}
			if db := loudness(ending(ph.ears[listens].heard), hz(third), p.peak); math.Abs(db) > 1.5 {
				t.Errorf("who may listen hears the third at %.1f dB", db)
			}
			check("three", false)
			p.c.part(p.legs[third])
			p.says[speaks] = false
			p.run(50)
			p.says[speaks] = true
			for i := range ph.ears {
				ph.ears[i].forget()
			}
			p.run(100)
			check("two again", true)
		})
	}
}

func TestARightThatComesOrGoesDuringACallHoldsAtOnce(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		for _, members := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s of %d", f.Codec, members), func(t *testing.T) {
				ph := newPhones(t, f, members)
				p := ph.party
				for i := range p.says {
					p.says[i] = true
				}
				p.run(100)
				a, b := p.legs[0], p.legs[1]
				p.downs[1].forget()
				b.Restrict(true, true)
				b.Resumed()
				told := slices.Clone(p.downs[1].events)
				if len(told) != members-1 || told[0] != a.event(Left) {
					t.Errorf("who may not listen any more is told %v", told)
				}
				p.run(20) // what is in the buffers
				for i := range ph.ears {
					ph.ears[i].forget()
				}
				p.downs[1].forget()
				p.run(100)
				if n := ph.ears[1].audible(); n != 0 || len(p.downs[1].names()) != 0 {
					t.Errorf("it is sent %d frames with audio and told of %v", n, p.downs[1].names())
				}
				if db := loudness(ph.ears[0].heard, hz(1), p.peak); db > unheardDB {
					t.Errorf("it is heard at %.0f dB", db)
				}
				b.Restrict(false, false)
				b.Resumed()
				if names := p.downs[1].names(); len(names) != members-1 || p.downs[1].events[0] != a.event(Joined) {
					t.Errorf("who may listen again is told %v", p.downs[1].events)
				}
				p.run(100)
				if db := loudness(ending(ph.ears[1].heard), hz(0), p.peak); math.Abs(db) > 1.5 {
					t.Errorf("it hears the other at %.1f dB again", db)
				}
				if db := loudness(ending(ph.ears[0].heard), hz(1), p.peak); math.Abs(db) > 1.5 {
					t.Errorf("it is heard at %.1f dB again", db)
				}
			})
		}
	}
}

func TestMarksAloneGiveAListenOnlyMemberNoFloor(t *testing.T) {
	p := newCompany(t, member("a"), member("b"), member("c"))
	p.legs[0].Restrict(true, false)
	for i := range p.legs {
		p.told(i)
	}
	seq := uint64(0)
	p.pass(50, func() {
		seq++
		p.legs[0].Push(context.Background(), Uplink{ // "I talk, loudly", and no audio
			Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Marks: markLevelValid | markVoice | 5, Made: p.now},
			Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(seq) * 960, DTX: true},
			Playable: true,
		})
		p.legs[0].Digit('1')
	})
	for i := 1; i < 3; i++ {
		if got := p.told(i); len(got) != 0 {
			t.Errorf("member %d is told %v", i, got)
		}
		if len(p.downs[i].levels) != 0 {
			t.Errorf("member %d is told levels", i)
		}
	}
	if p.legs[0].Digit('1') {
		t.Error("its digit is taken")
	}
}

// Callers of five fields know no announced silence: one who may not listen gets
// frames of silence, at the pace of all others.
func TestWhatCallersOfFiveFieldsMayNotTheyDoNot(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		t.Run(f.Codec, func(t *testing.T) {
			for _, members := range []int{2, 3} {
				p := newParty(t, f, members, 3, false)
				p.legs[0].Restrict(false, true)
				p.legs[1].Restrict(true, false)
				for i := range p.says {
					p.says[i] = true
				}
				p.run(100)
				ears := p.ears()
				frames := len(p.downs[0].frames)
				if frames < 98 || frames > 100 {
					t.Errorf("who may not listen gets %d frames in 2 s", frames)
				}
				if pcm := p.heard(0, ears[0]); audiotest.Peak(pcm) > 3 {
					t.Errorf("and hears a peak of %d", audiotest.Peak(pcm))
				}
				heard := p.heard(1, ears[1])
				if db := loudness(ending(heard), hz(0), p.peak); math.Abs(db) > 1.5 {
					t.Errorf("who may listen hears it at %.1f dB", db)
				}
				if db := loudness(ending(heard), hz(1), p.peak); db > unheardDB {
					t.Errorf("and itself at %.0f dB", db)
				}
				if members == 3 {
					if db := loudness(ending(p.heard(2, ears[2])), hz(1), p.peak); db > unheardDB {
						t.Errorf("the third hears who may not speak at %.0f dB", db)
					}
				}
			}
		})
	}
}
