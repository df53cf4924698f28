package room

import (
	"fmt"
	"slices"
	"testing"

	"callcenter/audio/audiotest"
)

// doings are the events but those of the floor.
func doings(events []Event) []Event {
	return slices.DeleteFunc(events, func(e Event) bool { return e.Kind == Speaking || e.Kind == Silent })
}

func TestTheOthersAreToldWhoHoldsTheCall(t *testing.T) {
	for _, size := range []int{2, 5} {
		p := newCompany(t)
		for i := range size {
			p.join(member(string(rune('a' + i))))
		}
		p.pass(10, nil)
		for i := range size {
			p.told(i)
		}
		a := p.legs[0]
		for range 5 { // it is said again over another stream
			a.Hold(true)
			p.pass(10, func() { p.say(0, silence) })
			a.Resumed()
		}
		late := p.join(member("late"))
		p.pass(20, func() { p.say(0, silence) })
		a.Hold(false)
		p.pass(20, func() { p.say(0, markLevelValid|30) })
		held, back := Event{Kind: Held, Participant: "1", Name: "a"}, Event{Kind: Resumed, Participant: "1", Name: "a"}
		for i := 1; i < size; i++ {
			want := []Event{held, {Kind: Joined, Participant: p.legs[size].id, Name: "late"}, back}
			if got := doings(p.told(i)); !slices.Equal(got, want) {
				t.Errorf("of %d, member %d is told %v, want %v", size, i, got, want)
			}
		}
		if got := doings(p.told(0)); len(got) != 1 || got[0].Kind != Joined {
			t.Errorf("of %d, who holds is told %v", size, got)
		}
		if late.events[1] != held || !slices.Contains(late.events, back) {
			t.Errorf("who came meanwhile is told %v", late.events)
		}
		p.c.part(a)
		p.join(member("new"))
		if slices.Contains(p.told(size+1), held) {
			t.Error("a newcomer is told that one who has left holds the call")
		}
	}
}

func TestOneWhoHoldsWithoutEndIsToldFiveTimesASecond(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.told(0)
	on := false
	p.pass(100, func() { // 2 s, of a thousand changes a second
		for range 20 {
			on = !on
			p.legs[1].Hold(on)
		}
		p.legs[1].Hold(!on)
		on = !on
	})
	p.legs[1].Hold(true)
	p.pass(20, nil)
	got := p.told(0)
	if len(got) < 2 || len(got) > 12 {
		t.Errorf("%d changes are told in 2.4 s", len(got))
	}
	if got[len(got)-1].Kind != Held {
		t.Error("the last that is told is not how it is")
	}
}

func TestWhatAHeldMemberSaysIsHeardByNobody(t *testing.T) {
	for _, members := range []int{2, 3} {
		t.Run(fmt.Sprintf("of %d", members), func(t *testing.T) {
			ph := newPhones(t, wide(), members)
			p := ph.party
			p.says[0] = true
			p.run(100)
			if ph.direct(1, 0) != (members == 2) {
				t.Fatal("the room is not as this test needs it")
			}
			for i := range members {
				ph.ears[i].forget()
				p.downs[i].events = nil
			}
			p.legs[0].Hold(true)
			p.run(100)
			p.legs[0].Hold(false)
			p.run(100)
			for i := 1; i < members; i++ {
				e := ph.ears[i]
				held, after := e.heard[15*960:100*960], e.heard[120*960:]
				// The phone's own comfort noise may be there.
				if peak, left := audiotest.Peak(held), loudness(held, hz(0), p.peak); peak > 30 || left > -60 {
					t.Errorf("member %d hears a peak of %d and %.0f dB of one who holds", i, peak, left)
				}
				if off := loudness(after, hz(0), p.peak); off < -1 || off > 1 {
					t.Errorf("member %d hears %.1f dB of what was said after it", i, off)
				}
				if step := steepest(e.heard); step > 250 { // 183 of the tone itself
					t.Errorf("member %d hears a step of %d", i, step)
				}
				if e.concealed != 0 {
					t.Errorf("member %d makes up %d samples", i, e.concealed)
				}
				kinds := make([]EventKind, 0, 4)
				for _, ev := range p.downs[i].events {
					kinds = append(kinds, ev.Kind)
				}
				if want := []EventKind{Held, Silent, Resumed, Speaking}; !sameSet(kinds, want) {
					t.Errorf("member %d is told %v, want %v", i, kinds, want)
				}
			}
		})
	}
}

// TestMarksOfAHeldMemberTakeNoFloor: they may come without audio.
func TestMarksOfAHeldMemberTakeNoFloor(t *testing.T) {
	p := newCompany(t, member("a"), member("b"), member("c"))
	p.legs[0].Hold(true)
	p.pass(50, func() { p.say(0, markDTX|markLevelValid|markVoice|10) })
	for _, e := range p.told(1) {
		if e.Kind == Speaking {
			t.Errorf("a member is told %v of one who holds", e)
		}
	}
}

// steepest is the largest step from one sample to the next.
func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		most = max(most, int(pcm[i])-int(pcm[i-1]), int(pcm[i-1])-int(pcm[i]))
	}
	return most
}

func sameSet(a, b []EventKind) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestDigitsAreToldInOrderAndWhoPressedThem(t *testing.T) {
	p := newCompany(t, member("a"), member("b"), member("c"))
	plain := member("plain")
	plain.Extended = false
	p.join(plain)
	for i := range p.legs {
		p.told(i)
	}
	for _, d := range []byte("12#") {
		p.legs[0].Digit(d)
	}
	p.pass(1, nil)
	p.legs[0].Digit('D')
	p.pass(1, nil)
	want := make([]Event, 0, 4)
	for _, d := range []byte("12#D") {
		want = append(want, Event{Kind: Pressed, Participant: "1", Name: "a", Digit: d})
	}
	for i := 1; i < 3; i++ {
		if got := p.told(i); !slices.Equal(got, want) {
			t.Errorf("member %d is told %v, want %v", i, got, want)
		}
	}
	if got := append(p.told(0), p.told(3)...); len(got) != 0 {
		t.Errorf("who pressed and who knows no events are told %v", got)
	}
}

func TestDigitsBeyondABurstAreRefused(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.told(1)
	taken := 0
	for range 1000 {
		if p.legs[0].Digit('5') {
			taken++
		}
	}
	p.pass(1, nil)
	if got := p.told(1); taken != maxDigits || len(got) != taken {
		t.Errorf("%d digits are taken and %d told, want %d", taken, len(got), maxDigits)
	}
}

func TestADigitComesBackFromAnEcho(t *testing.T) {
	down := &downlink{}
	l := newLoopback(member("a"), down)
	l.Hold(true)
	if !l.Digit('7') || !slices.Equal(down.events, []Event{{Kind: Pressed, Digit: '7'}}) {
		t.Errorf("told %v", down.events)
	}
}

func TestATestToneTakesNoNoticeOfHoldAndDigits(t *testing.T) {
	l, down := join(t, directory(), Tone, member("a"))
	l.Hold(true)
	if !l.Digit('7') {
		t.Error("the digit is refused")
	}
	l.Leave()
	if len(down.events) != 0 {
		t.Errorf("told %v", down.events)
	}
}
