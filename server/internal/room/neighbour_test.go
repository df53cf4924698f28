package room

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

// tardy is pcm that does something before it encodes at 16 kHz.
type tardy struct {
	pcm.Codec
	before func()
}

type tardyEncoder struct {
	codec.Encoder
	before func()
}

func (e tardyEncoder) Encode(dst []byte, pcm []int16) (int, error) {
	e.before()
	return e.Encoder.Encode(dst, pcm)
}

func (t tardy) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	enc, err := t.Codec.NewEncoder(f, o)
	if f.Rate != 16000 {
		return enc, err
	}
	return tardyEncoder{enc, t.before}, err
}

// patient is a member of five fields, for whom every frame is encoded.
func patient(name string, rate int) Member {
	m := member(name)
	m.Extended, m.Format.Rate = false, rate
	return m
}

// A room whose codec is slow, or does not return, keeps neither the ticks of other
// rooms waiting nor those who come and go there.
func TestARoomInTroubleDelaysNoOther(t *testing.T) {
	for _, tc := range []struct {
		name   string
		encode time.Duration
	}{{"50 ms for a frame", 50 * time.Millisecond}, {"a codec that hangs", 20 * time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(tc.encode) // until what hangs has ended
				var log strings.Builder
				d := New(Config{
					Codecs: codec.NewRegistry(tardy{before: func() { time.Sleep(tc.encode) }}),
					Clock:  audio.NewClock(),
					Log:    slog.New(slog.NewTextHandler(&log, nil)),
				})
				bad, _ := join(t, d, "room/bad", patient("bad", 16000))
				good, down := join(t, d, "room/good", patient("good", 48000))
				begin := time.Now()
				var guests []Leg
				for range 200 { // who come and go in both rooms
					time.Sleep(49 * time.Millisecond)
					at := time.Now()
					for _, dest := range []string{"room/good", "room/bad"} {
						l, _ := join(t, d, dest, patient("guest", 48000))
						l.Stats()
						if dest == "room/good" {
							l.Leave()
						} else {
							guests = append(guests, l)
						}
					}
					if took := time.Since(at); took != 0 {
						t.Fatalf("coming and going took %v", took)
					}
				}
				synctest.Wait()
				passed := time.Since(begin)
				frames := len(down.take())
				c, slow := d.rooms["room/good"], d.rooms["room/bad"]
				good.Leave()
				if ticks := c.ticks.Load(); ticks < uint64(passed/audio.Period)-2 || c.clocked.late != 0 || c.clocked.resets != 0 {
					t.Errorf("%d ticks in %v, %d late, %d resets", ticks, passed, c.clocked.late, c.clocked.resets)
				}
				if frames < int(passed/(2*audio.Period))-1 {
					t.Errorf("%d frames of 20 ms in %v", frames, passed)
				}
				for _, l := range guests {
					l.Leave()
				}
				bad.Leave()
				if tc.encode < time.Second && (slow.clocked.late == 0 || slow.effort.lowered == 0) {
					t.Errorf("the slow room counts %d late ticks and lowers its effort %d times", slow.clocked.late, slow.effort.lowered)
				}
				if said := log.String(); !strings.Contains(said, "msg=\"room ended\" room=room/good ticks=9") || !strings.Contains(said, " late=0 ") {
					t.Errorf("the log says %s", &log)
				}
			})
		})
	}
}

// Rooms tick each on their own: eight of them encode at the same time, each waiting
// in its encoder until all the others are in theirs.
func TestRoomsTickAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rooms = 8
		var mu sync.Mutex
		inside, over, met := 0, false, make(chan struct{})
		d := New(Config{Clock: audio.NewClock(), Codecs: codec.NewRegistry(tardy{before: func() {
			mu.Lock()
			inside++
			all := met
			if inside%rooms == 0 || over {
				close(met)
				met = make(chan struct{})
			}
			mu.Unlock()
			<-all
		}})})
		var downs []*downlink
		var legs []Leg
		for i := range rooms {
			l, down := join(t, d, fmt.Sprintf("room/%d", i), patient("a", 16000))
			legs, downs = append(legs, l), append(downs, down)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for i, down := range downs {
			if n := len(down.take()); n < 49 {
				t.Errorf("room %d made %d frames of 20 ms in a second", i, n)
			}
		}
		mu.Lock()
		over = true
		close(met)
		met = make(chan struct{})
		mu.Unlock()
		for _, l := range legs {
			l.Leave()
		}
	})
}

// Of many rooms on few cores none starves, on the real clock.
func TestManyRoomsAllTick(t *testing.T) {
	const rooms = 64
	d := directory()
	for i := range rooms {
		m := patient("a", 48000)
		l, err := d.Join(fmt.Sprintf("room/%d", i), m, &downlink{keep: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Leave()
	}
	look := time.NewTicker(audio.Period)
	defer look.Stop()
	least, most := uint64(0), uint64(0)
	for begin := time.Now(); least < 50; <-look.C {
		least, most = ^uint64(0), 0
		for _, c := range d.rooms {
			n := c.ticks.Load()
			least, most = min(least, n), max(most, n)
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("after a minute one room has ticked %d times, another %d times", least, most)
		}
	}
	if least*2 < most {
		t.Errorf("one room has ticked %d times, another %d times", least, most)
	}
}

// A room's deadlines are exact for ever, whatever its goroutine does between them,
// and it counts those that it misses.
func TestARoomDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minutes := 10
		if raceEnabled {
			minutes = 1
		}
		r := rand.New(rand.NewPCG(1, 1))
		d := New(Config{Clock: audio.NewClock(), Codecs: codec.NewRegistry(tardy{before: func() {
			work := time.Duration(r.IntN(8000)) * time.Microsecond
			if r.IntN(100) == 0 {
				work = time.Duration(r.IntN(60)) * time.Millisecond
			}
			time.Sleep(work)
		}})})
		start := d.cfg.Clock()
		l, down := join(t, d, "room/x", patient("a", 16000))
		c := d.rooms["room/x"]
		frames := 0
		for range minutes {
			time.Sleep(time.Minute)
			frames += len(down.take())
		}
		synctest.Wait()
		frames += len(down.take())
		l.Leave()
		if off := (c.clocked.next - start - c.phase) % audio.Period; off != 0 {
			t.Errorf("after %d minutes the deadlines are %v off", minutes, off)
		}
		if n := int(c.ticks.Load()); n < minutes*6000-8 || n > minutes*6000 {
			t.Errorf("%d ticks in %d minutes", n, minutes)
		}
		if n := minutes * 3000; frames < n-4 || frames > n {
			t.Errorf("%d frames of 20 ms in %d minutes", frames, minutes)
		}
		if c.clocked.late < uint64(10*minutes) || c.clocked.resets != 0 {
			t.Errorf("%d late ticks are counted and %d resets", c.clocked.late, c.clocked.resets)
		}
	})
}
