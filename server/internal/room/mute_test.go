package room

import (
	"context"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
)

// company is a conference of members that know events, on a clock that the test turns.
type company struct {
	tb    testing.TB
	c     *conference
	d     *Directory
	legs  []*conferenceLeg
	downs []*downlink
	now   time.Duration
	seq   uint64
}

func newCompany(tb testing.TB, members ...Member) *company {
	tb.Helper()
	p := &company{tb: tb, d: directory()}
	p.c = newConference("room/x", 0, DefaultSpeakers, p.d.cfg.Clock)
	for _, m := range members {
		p.join(m)
	}
	return p
}

func (p *company) join(m Member) *downlink {
	p.tb.Helper()
	down := &downlink{}
	l, err := newConferenceLeg(p.d, m, down)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.c.join(l)
	p.legs, p.downs = append(p.legs, l), append(p.downs, down)
	return down
}

// say lets a member say 20 ms with these marks, or nothing where they announce
// silence.
func (p *company) say(i int, marks uint32) {
	p.seq++
	u := Uplink{
		Frame:    sendq.Frame{Sequence: p.seq, Epoch: 1, Marks: marks, Made: p.now},
		Packet:   jitter.Packet{Sequence: p.seq, Epoch: 1, Media: int64(p.now) * audio.Rate / int64(time.Second), DTX: marks&markDTX != 0},
		Playable: true,
	}
	if marks&markDTX == 0 {
		u.Frame.Data = make([]byte, 1920)
		u.Packet.Data, u.Packet.Samples = u.Frame.Data, 960
	}
	p.legs[i].Push(context.Background(), u)
}

// pass lets steps of 20 ms go by, each after what happens in it.
func (p *company) pass(steps int, do func()) {
	for range steps {
		if do != nil {
			do()
		}
		for range 2 {
			p.now += audio.Period
			p.c.tick(p.now, false)
		}
	}
}

// told returns the events of a member since the last time.
func (p *company) told(i int) []Event {
	e := p.downs[i].events
	p.downs[i].events = nil
	return e
}

const silence = markDTX | markLevelValid | levelSilent

func TestTheOthersAreToldWhoMutesTheMicrophone(t *testing.T) {
	for _, size := range []int{2, 5} {
		p := newCompany(t)
		for i := range size {
			p.join(member(string(rune('a' + i))))
		}
		p.pass(10, nil)
		for i := range size {
			p.told(i)
		}
		p.say(0, silence|markMuted)
		p.pass(1, nil)
		for range 5 { // it goes on
			p.pass(10, nil)
			p.say(0, silence|markMuted)
		}
		late := p.join(member("late"))
		p.pass(20, func() { p.say(0, markLevelValid|30) })
		p.pass(20, func() { p.say(0, silence) })
		for i := 1; i < size; i++ {
			want := []Event{{Kind: Muted, Participant: "1", Name: "a"}, {Kind: Joined, Participant: p.legs[size].id, Name: "late"}, {Kind: Unmuted, Participant: "1", Name: "a"}}
			got := p.told(i)
			got = slices.DeleteFunc(got, func(e Event) bool { return e.Kind == Speaking || e.Kind == Silent })
			if !slices.Equal(got, want) {
				t.Errorf("of %d, member %d is told %v, want %v", size, i, got, want)
			}
		}
		if got := p.told(0); len(got) != 1 || got[0].Kind != Joined {
			t.Errorf("of %d, who mutes is told %v", size, got)
		}
		if late.events[1] != (Event{Kind: Muted, Participant: "1", Name: "a"}) || !slices.Contains(late.events, Event{Kind: Unmuted, Participant: "1", Name: "a"}) {
			t.Errorf("who came meanwhile is told %v", late.events)
		}
	}
}

func TestWhoSendsNoMarksIsNeverMuted(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.told(0)
	p.pass(50, func() { p.say(1, 0) })
	for _, e := range p.told(0) {
		if e.Kind == Muted || e.Kind == Unmuted {
			t.Errorf("told %v", e)
		}
	}
}

func TestAMicrophoneThatFlickersIsToldFiveTimesASecond(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.told(0)
	n := uint32(0)
	p.pass(101, func() { // 2 s, and muted at the end
		p.say(1, silence|markMuted*(1-n%2))
		n++
	})
	p.pass(20, func() { p.say(1, silence|markMuted) })
	got := p.told(0)
	if len(got) < 2 || len(got) > 12 {
		t.Errorf("%d changes are told in 2.4 s", len(got))
	}
	for i, e := range got {
		if want := Muted + EventKind(i%2); e.Kind != want {
			t.Errorf("change %d is %v, want %v", i, e.Kind, want)
		}
	}
	if got[len(got)-1].Kind != Muted {
		t.Error("the last that is told is not how it is")
	}
}
