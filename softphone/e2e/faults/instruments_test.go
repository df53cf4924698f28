//go:build linux && !race

package faults

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
)

// The tests of this file keep the instruments honest: one that finds nothing
// would pass for ever.

// play is a recording of tones, of which change may spoil each period.
func play(periods int, change func(i int, pcm []int16), tones ...int) []period {
	heard := make([]period, periods)
	for i := range heard {
		heard[i].at = time.Unix(0, 0).Add(time.Duration(i) * audio.Period)
		for n := range heard[i].pcm {
			for _, hz := range tones {
				heard[i].pcm[n] += sine(hz, n)
			}
		}
		if change != nil {
			change(i, heard[i].pcm[:])
		}
	}
	return heard
}

func sine(hz, n int) int16 {
	return int16(math.Round(amplitude * math.Sin(2*math.Pi*float64(hz*n)/audio.Rate)))
}

func TestAnEarTellsTonesApart(t *testing.T) {
	heard := play(10, nil, annHz, eveHz)
	for hz, there := range map[int]bool{annHz: true, eveHz: true, bobHz: false} {
		if got := share(levels(heard, hz)) == 1; got != there {
			t.Errorf("%d Hz there: %v", hz, got)
		}
	}
	if step := click(heard, []int{annHz, eveHz}); step > 1.01 {
		t.Errorf("the largest step of clean tones is %.2f of their own", step)
	}
	if level := foreign(heard, []int{annHz, eveHz}); level > -80 {
		t.Errorf("clean tones have a foreign sound of %.1f dBFS", level)
	}
}

func TestAnEarTellsSinceWhenAToneIsThere(t *testing.T) {
	heard := play(300, func(i int, pcm []int16) {
		if i >= 100 && i < 150 || i == 200 { // a gap, and a blemish
			clear(pcm)
		}
	}, annHz)
	at, ok := since(heard, levels(heard, annHz))
	if late := at.Sub(heard[150].at); !ok || late < -audio.Period || late > audio.Period {
		t.Errorf("since %v after the gap, %v", late, ok)
	}
	if missing := gap(levels(heard, annHz)); missing != 510*time.Millisecond {
		t.Errorf("%v are missing", missing)
	}
	if at, ok := since(heard[:150], levels(heard[:150], annHz)); ok {
		t.Errorf("a tone that stopped is there since %v", at)
	}
}

func TestAnEarHearsATwin(t *testing.T) {
	heard := play(10, nil, annHz, annHz)
	if level := loudest(levels(heard, annHz)); level < loud+double {
		t.Errorf("a tone twice is heard at %.1f dBFS", level)
	}
}

func TestAnEarHearsAClick(t *testing.T) {
	heard := play(10, func(i int, pcm []int16) {
		if i == 5 {
			clear(pcm[12:]) // the tone stops at its top
		}
	}, annHz)
	if step := click(heard, []int{annHz}); step < clickLimit {
		t.Errorf("a tone that breaks off has a step of %.2f of its own", step)
	}
}

func TestAnEarHearsAForeignSound(t *testing.T) {
	heard := play(20, func(i int, pcm []int16) {
		for n := range pcm {
			if i >= 10 && i < 14 {
				pcm[n] += sine(2500, n)
			}
		}
	}, annHz)
	if level := foreign(heard, []int{annHz}); level < foreignLimit {
		t.Errorf("a foreign tone is heard at %.1f dBFS", level)
	}
}

func TestAGaugeReadsWhatTheRuntimeWrites(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	text := "gc 7 @1.2s 0%: 0.1+5.2+0.1 ms clock, 0.1+1.6/1.4/4.9+0.15 ms cpu, 15->16->13 MB, 16 MB goal\n" +
		"SCHED 5000ms: gomaxprocs=2 idleprocs=2\n" +
		"  G1: status=4(chan receive) m=nil lockedm=nil\n  G2: status=6() m=nil lockedm=nil\n  G3: status=2() m=0 lockedm=nil\n" +
		"{\"msg\":\"next\"}\n" + "  G1: sta"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gauge{server: &process{log: log}}
	g.follow()
	if g.liveHeap != 13 || g.liveGoroutines != 2 {
		t.Errorf("a heap of %v MiB and %v goroutines, want 13 and 2", g.liveHeap, g.liveGoroutines)
	}
}

func TestAGaugeSeesWhatGrows(t *testing.T) {
	for name, grow := range map[string]float64{"flat": 0, "growing": 1} {
		t.Run(name, func(t *testing.T) {
			g := &gauge{}
			for i := range 600 {
				s := sample{at: time.Unix(int64(i), 0)}
				for q := range s.by {
					s.by[q] = 200 + grow*float64(i) + 50*float64(i%3) // faults come and go
				}
				g.samples = append(g.samples, s)
			}
			account, wrong := g.flat()
			if want := int(grow) * quantities; len(wrong) != want {
				t.Errorf("%d complaints, want %d: %s\n%s", len(wrong), want, strings.Join(wrong, "; "), fmt.Sprint(account))
			}
		})
	}
}
