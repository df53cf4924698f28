package room

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// scene is who talks how loud, in steps of 20 ms.
type scene struct {
	t      *testing.T
	floor  floor
	claims []*claim
}

func newScene(t *testing.T, slots, members int) *scene {
	s := &scene{t: t, floor: floor(slots)}
	for range members {
		s.claims = append(s.claims, &claim{})
	}
	return s
}

// run lets steps pass in which everyone is that loud; 0 is silence.
func (s *scene) run(steps int, loud ...int) {
	for range steps {
		for i, c := range s.claims {
			c.hear(loud[i], loud[i] > 0)
		}
		s.floor.give(s.claims)
	}
}

func (s *scene) heard() []int {
	var who []int
	for i, c := range s.claims {
		if c.has {
			who = append(who, i)
		}
	}
	return who
}

func (s *scene) want(when string, who ...int) {
	s.t.Helper()
	if got := s.heard(); !slices.Equal(got, who) {
		s.t.Errorf("%s: %v are heard, want %v", when, got, who)
	}
}

func TestTheFloorGoesToTheLoudest(t *testing.T) {
	s := newScene(t, 2, 4)
	s.run(1, 90, 100, 110, 0)
	s.want("three begin at once", 1, 2)
	s.run(500, 90, 100, 110, 0)
	s.want("after 10 s", 1, 2)
}

func TestAFreePlaceIsTakenAtOnce(t *testing.T) {
	s := newScene(t, 3, 2)
	s.run(1, 60, 0)
	s.want("a whisper in an empty room", 0)
	s.run(1, 60, 120)
	s.want("and a shout", 0, 1)
}

func TestASteadyToneKeepsTheFloor(t *testing.T) {
	s := newScene(t, 1, 2)
	s.run(3000, 87, 0)
	s.want("after a minute of a tone", 0)
}

func TestAPauseWithinASentenceKeepsTheFloor(t *testing.T) {
	s := newScene(t, 1, 2)
	s.run(50, 100, 0)
	s.run(14, 0, 0)
	s.want("after 280 ms of silence", 0)
	s.run(1, 0, 0)
	s.want("after 300 ms")
}

func TestNobodyIsChoppedBySomebodyAboutAsLoud(t *testing.T) {
	s := newScene(t, 1, 2)
	s.run(50, 100, 0)
	for range 100 {
		s.run(5, 100, 105)
		s.run(5, 104, 99)
		s.want("a quarrel", 0)
	}
}

func TestAClearlyLouderVoiceTakesTheFloor(t *testing.T) {
	s := newScene(t, 1, 2)
	s.run(50, 100, 0)
	s.run(4, 100, 110)
	s.want("after 80 ms of a louder voice", 0)
	s.run(1, 100, 110)
	s.want("after 100 ms", 1)
	s.run(10, 125, 110)
	s.want("the other shouts back at once", 1)
	s.run(20, 125, 110)
	s.want("and goes on", 0)
}

func TestWhoHasSaidTheLastWordGivesWay(t *testing.T) {
	s := newScene(t, 1, 2)
	s.run(50, 100, 0)
	s.run(8, 0, 70)
	s.want("160 ms after the last word", 0)
	s.run(5, 0, 70)
	s.want("260 ms after it", 1)
}

func TestFewerPlacesThanBeforeAreKept(t *testing.T) {
	s := newScene(t, 3, 3)
	s.run(10, 100, 100, 100)
	s.floor = 1
	s.run(1, 100, 100, 100)
	s.want("one place is left", 0)
}

// However people talk, no more than allowed are heard, nobody is who does not
// talk, no place is free while somebody waits, and who takes the floor keeps it
// for 400 ms while talking.
func TestTheFloorIsGivenByItsRules(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := newScene(t, 1+r.IntN(4), 1+r.IntN(12))
			loud := make([]int, len(s.claims))
			since := make([]int, len(s.claims))
			for step := range 2000 {
				for i := range loud {
					if r.IntN(25) == 0 {
						loud[i] = r.IntN(2) * (60 + r.IntN(60))
					}
				}
				before := s.heard()
				s.run(1, loud...)
				now := s.heard()
				waiting := 0
				for i, c := range s.claims {
					switch {
					case c.has && c.hang == 0:
						t.Fatalf("step %d: %d is heard and does not talk", step, i)
					case !c.has && c.hang > 0:
						waiting++
					}
					if slices.Contains(now, i) && !slices.Contains(before, i) {
						since[i] = step
					}
					if lost := slices.Contains(before, i) && !c.has; lost && c.hang > 0 && step-since[i] < 20 {
						t.Fatalf("step %d: %d has the floor for %d steps and loses it in a word", step, i, step-since[i])
					}
				}
				if len(now) > int(s.floor) || len(now) < int(s.floor) && waiting > 0 {
					t.Fatalf("step %d: %v are heard of %d places, %d wait", step, now, s.floor, waiting)
				}
			}
		})
	}
}
