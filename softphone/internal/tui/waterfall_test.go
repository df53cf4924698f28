package tui

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

// delayOf is a delay of those stages.
func delayOf(stages ...callstate.Stage) callstate.Delay {
	d := callstate.Delay{Stages: stages}
	for _, s := range stages {
		d.MouthToEarEst += s.Delay
	}
	return d
}

// someDelay has stages of every group with delays by chance.
func someDelay(r *rand.Rand) callstate.Delay {
	d := liveSnapshot().Delay
	stages := append([]callstate.Stage{{Name: "training"}, {Name: "new"}}, d.Stages...)
	for i := range stages {
		stages[i].Delay = time.Duration(r.IntN(60_000)) * time.Microsecond
		stages[i].Measured = r.IntN(2) == 0
	}
	return delayOf(stages...)
}

func TestTheShortSumAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	st := plainStyles()
	for range 1000 {
		d := someDelay(r)
		sum := 0
		for _, g := range groupStages(d) {
			sum += g.ms
		}
		text := waterfall{st: &st, d: d}.totals()
		shown, err := strconv.Atoi(strings.Trim(strings.Fields(text)[4], "!"))
		if err != nil || sum != shown {
			t.Fatalf("the parts come to %d, the total is %q", sum, text)
		}
	}
}

// Every bar begins where the one before it ended, and the total ends where the
// last one did.
func TestTheBarsOfTheWaterfallFollowEachOther(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	st := plainStyles()
	for range 300 {
		w := waterfall{st: &st, d: someDelay(r), full: true}
		lines := strings.Split(w.Render(118), "\n")
		at := 0
		for _, line := range lines[:len(lines)-1] {
			bar := []rune(string([]rune(line)[min(stageName+stageValue, len([]rune(line))):]))
			from, to := len(bar)-len([]rune(strings.TrimLeft(string(bar), " "))), len(bar)
			if len(bar) == 0 {
				continue
			}
			if bar[from] == '▏' {
				if from > at || from < at-1 {
					t.Fatalf("a sliver at %d, want %d:\n%s", from, at, strings.Join(lines, "\n"))
				}
				continue
			}
			if from != at {
				t.Fatalf("a bar begins at %d, the one before it ended at %d:\n%s", from, at, strings.Join(lines, "\n"))
			}
			at = to
		}
		if total := []rune(lines[len(lines)-1]); len(total) != stageName+stageValue+at {
			t.Fatalf("the total ends at %d, the bars at %d:\n%s", len(total), stageName+stageValue+at, strings.Join(lines, "\n"))
		}
	}
}

func TestAnEstimateIsLabelledAndLooksLikeOne(t *testing.T) {
	st := plainStyles()
	d := delayOf(callstate.Stage{Name: "up", Delay: 20 * time.Millisecond}, callstate.Stage{Name: "buffer", Delay: 20 * time.Millisecond, Measured: true})
	for width, want := range map[int]string{
		100: `up +20\.0 ms est\. ▒+\nbuffer +20\.0 ms +█+\nmouth to ear +40\.0 ms est\. ├─+┤`,
		40:  `net +20\.0 est\. ▒+\nbuffer +20\.0 +█+\nm2e +40\.0 est\. ├─+┤`,
	} {
		if got := (waterfall{st: &st, d: d, full: true}).Render(width); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%d wide:\n%s", width, got)
		}
	}
}

func TestTheLoopStandsBesideTheTotal(t *testing.T) {
	st := plainStyles()
	d := liveSnapshot().Delay
	w := waterfall{st: &st, d: d}
	if got := w.Render(78); !strings.Contains(got, "mouth to ear est.  132 / measured loop  128 ms") {
		t.Errorf("%s", got)
	}
	d.LoopKnown = false
	w.d = d
	if got := w.Render(78); strings.Contains(got, "loop") {
		t.Errorf("it was not measured:\n%s", got)
	}
	d.MouthToEarEst = 512 * time.Millisecond
	w.d = d
	if got := w.Render(78); !strings.Contains(got, " 512! ms") {
		t.Errorf("it hurts and has no mark:\n%s", got)
	}
}

func TestAWaterfallTakesNoMoreLinesThanThereAre(t *testing.T) {
	st := plainStyles()
	r := rand.New(rand.NewPCG(5, 6))
	for most := 1; most < 20; most++ {
		d := someDelay(r)
		d.Loop, d.LoopKnown = d.MouthToEarEst, most%2 == 0
		w := waterfall{st: &st, d: d, full: true, most: most}
		if n := lines(w.Render(78)); n > max(most, 3) {
			t.Errorf("%d lines of %d:\n%s", n, most, w.Render(78))
		}
	}
}
