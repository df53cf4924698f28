package room

import (
	"fmt"
	"testing"
)

// speakersOf returns levels as text.
func speakersOf(l *Levels) string {
	text := ""
	for _, s := range l.Speakers {
		text += fmt.Sprintf("%s:%d ", s.Participant, s.DBov)
	}
	return text
}

func voice(dBov uint32) uint32 { return markLevelValid | markVoice | dBov }

func TestMembersAreToldHowLoudTheSpeakersAre(t *testing.T) {
	plain := member("plain")
	plain.Extended = false
	p := newCompany(t, member("a"), member("b"), plain, member("c"))
	p.pass(50, nil)
	n := uint32(0)
	p.pass(100, func() { // 2 s: b louder than a, each word loud at its beginning
		n++
		p.say(0, voice(40+n%5))
		p.say(1, voice(20+n%5))
	})
	p.pass(50, nil) // 1 s in which they fall silent
	for i, down := range p.downs {
		if i == 2 {
			if len(down.levels) != 0 {
				t.Errorf("a member of five fields is told %d levels", len(down.levels))
			}
			continue
		}
		// 2 s and the hangover of 300 ms.
		if got := len(down.levels); got < 11 || got > 14 {
			t.Errorf("member %d is told levels %d times, want five a second while somebody speaks", i, got)
		}
		if got := speakersOf(down.levels[5]); got != "2:20 1:40 " {
			t.Errorf("member %d is told %q, want the loudest frames of the last 200 ms", i, got)
		}
		last := len(down.levels) - 1
		for k, l := range down.levels {
			if (len(l.Speakers) == 0) != (k == last) {
				t.Errorf("member %d: levels %d of %d name %q", i, k, last+1, speakersOf(l))
			}
			if l != p.downs[0].levels[k] {
				t.Errorf("member %d has levels of its own", i)
			}
		}
	}
}

func TestLevelsAreOfNowAndNotOfBefore(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.pass(50, func() { p.say(0, markLevelValid|90) }) // no voice, but heard of
	p.pass(1, func() { p.say(0, markLevelValid|41) })
	p.pass(49, func() { p.say(0, markLevelValid|90) })
	p.downs[1].levels = nil
	p.pass(20, func() { p.say(0, voice(60)) })
	if got := speakersOf(p.downs[1].levels[0]); got != "1:60 " {
		t.Errorf("first told %q", got)
	}
	p.pass(5, func() { p.say(0, silence) }) // within the hangover
	p.downs[1].levels = nil
	p.pass(10, nil)
	if got := speakersOf(p.downs[1].levels[0]); got != "1:127 " && got != "1:60 " {
		t.Errorf("in a pause told %q", got)
	}
}

func TestWhoSendsNoLevelIsMeasured(t *testing.T) {
	p := newCompany(t, member("a"), member("b"), member("c")) // of two nothing is decoded
	seq := uint64(0)
	p.pass(50, func() { seq++; say(p.legs[0], seq, 0x10, p.now) }) // 4096: -18 dBov
	if n := len(p.downs[1].levels); n < 3 {
		t.Fatalf("told levels %d times", n)
	}
	if got := speakersOf(p.downs[1].levels[2]); got != "1:18 " {
		t.Errorf("told %q", got)
	}
}

func TestTheFloorFallsEmptyWhenItsOnlySpeakerLeaves(t *testing.T) {
	p := newCompany(t, member("a"), member("b"))
	p.pass(30, func() { p.say(0, voice(20)) })
	p.c.part(p.legs[0])
	p.downs[1].levels = nil
	p.pass(2, nil)
	if got := p.downs[1].levels; len(got) != 1 || len(got[0].Speakers) != 0 {
		t.Errorf("told %v", got)
	}
	p.pass(100, nil)
	if n := len(p.downs[1].levels); n != 1 {
		t.Errorf("told %d times that nobody speaks", n)
	}
}

func TestOnlyTheLoudestLevelsAreTold(t *testing.T) {
	p := newCompany(t)
	for i := range 20 {
		p.join(member(fmt.Sprint(i)))
	}
	p.c.floor = 20
	p.pass(30, func() {
		for i := range p.legs {
			p.say(i, voice(uint32(50-i)))
		}
	})
	got := p.downs[3].levels[1].Speakers
	if len(got) != MaxLevels || got[0] != (SpeakerLevel{"20", 31}) || got[MaxLevels-1] != (SpeakerLevel{"9", 42}) {
		t.Errorf("told %v", got)
	}
}

func TestLevelsAreFormedOnce(t *testing.T) {
	l, n := &Levels{}, 0
	for range 3 {
		if got := l.Formed(func(*Levels) any { n++; return n }); got != 1 {
			t.Errorf("formed %v", got)
		}
	}
}
