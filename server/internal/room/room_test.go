package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// downlink keeps what a room sends.
type downlink struct {
	mu      sync.Mutex
	frames  []sendq.Frame
	waited  int
	skipped int // slots
	events  []Event
	levels  []*Levels
	failed  error
	keep    int // frames kept; 0: all
}

func (d *downlink) Send(f sendq.Frame) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keep != 0 && len(d.frames) == d.keep {
		return
	}
	f.Data = slices.Clone(f.Data)
	d.frames = append(d.frames, f)
}

func (d *downlink) Skip() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skipped++
}

func (d *downlink) Put(f sendq.Frame) { d.Send(f) }

func (d *downlink) SendWait(_ context.Context, f sendq.Frame) {
	d.waited++
	d.Send(f)
}

func (d *downlink) Event(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

func (d *downlink) Levels(l *Levels) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.levels = append(d.levels, l)
}

func (d *downlink) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
}

func (d *downlink) take() []sendq.Frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.frames
	d.frames = nil
	return f
}

func wide() codec.Format { return codec.Format{Codec: "pcm", Rate: 48000, Channels: 1} }

func member(name string) Member {
	return Member{CallID: name, Name: name, Format: wide(), FrameMS: 20, Extended: true}
}

func directory() *Directory {
	return New(Config{Codecs: codec.NewRegistry(opus.Codec{}, pcm.Codec{}), Clock: audio.NewClock()})
}

func join(tb testing.TB, d *Directory, dest string, m Member) (Leg, *downlink) {
	tb.Helper()
	down := &downlink{}
	l, err := d.Join(dest, m, down)
	if err != nil {
		tb.Fatalf("join %s: %v", dest, err)
	}
	return l, down
}

// say pushes one 20 ms frame of a constant.
func say(l Leg, seq uint64, value byte, at time.Duration) {
	data := make([]byte, 1920)
	for i := 1; i < len(data); i += 2 {
		data[i] = value
	}
	sayBytes(l, seq, data, at)
}

// sayBytes pushes one 20 ms frame.
func sayBytes(l Leg, seq uint64, data []byte, at time.Duration) {
	l.Push(context.Background(), Uplink{
		Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Data: data, Made: at},
		Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(seq-1) * 960, Samples: 960, Data: data},
		Playable: true,
	})
}

func TestResolveKnowsTheDestinations(t *testing.T) {
	for _, tc := range []struct {
		mode, wish, want string
	}{
		{"", "", Echo},
		{Lobby, "", Lobby},
		{Lobby, "echo", Echo},
		{"", "tone", Tone},
		{"", "room/a.b_c-9", "room/a.b_c-9"},
		{"", "room/", ""},
		{"", "room/A", ""},
		{"", "room/a b", ""},
		{"", "room/a\n", ""},
		{"", "room/" + string(make([]byte, 65)), ""},
		{"", "Echo", ""},
		{"", "lobby", ""},
	} {
		d := New(Config{Default: tc.mode})
		got, err := d.Resolve(tc.wish)
		if got != tc.want || (tc.want == "") != errors.Is(err, ErrNoDestination) {
			t.Errorf("%q in mode %q is %q, %v; want %q", tc.wish, tc.mode, got, err, tc.want)
		}
	}
}

func TestLoopbackWaitsForMembersWhoMustGetEverything(t *testing.T) {
	d := directory()
	m := member("a")
	l, down := join(t, d, Echo, m)
	say(l, 1, 1, 0)
	m.Extended = false
	l2, down2 := join(t, d, Echo, m)
	say(l2, 0, 1, 0)
	if down.waited != 0 || down2.waited != 1 || len(down2.frames) != 1 {
		t.Fatalf("waited %d and %d times", down.waited, down2.waited)
	}
	l.Leave()
	l2.Leave()
}

func TestConferenceTicksOnItsOwnClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory()
		plain := member("a")
		plain.Extended = false // who knows no marks gets every frame
		l, down := join(t, d, "room/x", plain)
		time.Sleep(time.Second)
		synctest.Wait()
		frames := down.take()
		if len(frames) != 50 {
			t.Fatalf("%d frames of 20 ms in a second", len(frames))
		}
		for i, f := range frames {
			if f.Media != uint64(960*i+1) || f.Epoch != 1 || f.Samples != 960 || f.DroppedBefore != 0 {
				t.Fatalf("frame %d has media time %d of epoch %d, %d samples", i, f.Media, f.Epoch, f.Samples)
			}
			if f.Marks != 1<<8|127 {
				t.Fatalf("silence is marked %b", f.Marks)
			}
		}
		l.Leave()
		if d.Rooms() != 0 {
			t.Fatal("an empty room is not forgotten")
		}
		time.Sleep(time.Second)
		if n := len(down.take()); n != 0 {
			t.Fatalf("%d frames came after leaving", n)
		}
	})
}

func TestMembersGetTheOthersSum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory()
		clock := d.cfg.Clock
		var legs []Leg
		var downs []*downlink
		for i := range 3 {
			l, down := join(t, d, "room/x", member(fmt.Sprint(i)))
			legs, downs = append(legs, l), append(downs, down)
		}
		for seq := uint64(1); seq <= 50; seq++ {
			for i, l := range legs {
				say(l, seq, byte(1<<i), clock()) // 256, 512, 1024
			}
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		for i, want := range []int{512 + 1024, 256 + 1024, 256 + 512} {
			frames := downs[i].take()
			last := frames[len(frames)-5].Data
			if got := int(int16(uint16(last[100]) | uint16(last[101])<<8)); got != want {
				t.Errorf("member %d hears %d, want %d", i, got, want)
			}
			if s := legs[i].Stats(); s.Received != 50 || s.Lost != 0 || s.Malformed != 0 || s.TotalSamples == 0 {
				t.Errorf("member %d has %+v", i, s)
			}
		}
		for _, l := range legs {
			l.Leave()
		}
	})
}

func TestFramesFollowTheMembersWish(t *testing.T) {
	for _, tc := range []struct {
		name    string
		format  codec.Format
		ms      int
		samples int
	}{
		{"10 ms", wide(), 10, 480},
		{"20 ms", wide(), 20, 960},
		{"no wish", wide(), 0, 960},
		{"48 kHz stereo pcm just fits into 20 ms", codec.Format{Codec: "pcm", Rate: 48000, Channels: 2}, 20, 960},
		{"96 kHz stereo pcm needs 10 ms", codec.Format{Codec: "pcm", Rate: 96000, Channels: 2}, 20, 480},
		{"a crooked rate", codec.Format{Codec: "pcm", Rate: 95999, Channels: 2}, 20, 480},
		{"opus at 8 kHz", codec.Format{Codec: "opus", Rate: 8000, Channels: 2}, 20, 960},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := directory()
				for _, dest := range []string{Tone, "room/x"} {
					l, down := join(t, d, dest, Member{Format: tc.format, FrameMS: tc.ms})
					time.Sleep(400 * time.Millisecond)
					synctest.Wait()
					frames := down.take()
					if want := 400 * 48 / tc.samples; len(frames) != want {
						t.Fatalf("%s: %d frames, want %d", dest, len(frames), want)
					}
					for _, f := range frames {
						if f.Samples != tc.samples || len(f.Data) > codec.MaxPacket || len(f.Data) == 0 {
							t.Fatalf("%s: a frame of %d samples in %d bytes", dest, f.Samples, len(f.Data))
						}
					}
					l.Leave()
				}
			})
		})
	}
}

func TestComingsAndGoingsAreToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory()
		a, downA := join(t, d, "room/x", member("anna"))
		plain := member("plain")
		plain.Extended = false
		p, downP := join(t, d, "room/x", plain)
		b, downB := join(t, d, "room/x", member("ben"))
		p.Leave()
		b.Leave()
		again, _ := join(t, d, "room/x", member("ben"))
		want := []Event{{Kind: Joined, Participant: "2", Name: "plain"}, {Kind: Joined, Participant: "3", Name: "ben"}, {Kind: Left, Participant: "2", Name: "plain"}, {Kind: Left, Participant: "3", Name: "ben"}, {Kind: Joined, Participant: "4", Name: "ben"}}
		if !slices.Equal(downA.events, want) {
			t.Errorf("anna is told %v, want %v", downA.events, want)
		}
		if want := []Event{{Kind: Joined, Participant: "1", Name: "anna"}, {Kind: Joined, Participant: "2", Name: "plain"}, {Kind: Left, Participant: "2", Name: "plain"}}; !slices.Equal(downB.events, want) {
			t.Errorf("ben is told %v, want %v", downB.events, want)
		}
		if len(downP.events) != 0 {
			t.Errorf("a member of five fields is told %v", downP.events)
		}
		a.Leave()
		again.Leave()
	})
}

func TestRoomsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory()
		var legs []Leg
		for i := range MaxMembers {
			l, _ := join(t, d, "room/x", member(fmt.Sprint(i)))
			legs = append(legs, l)
		}
		if _, err := d.Join("room/x", member("more"), &downlink{}); !errors.Is(err, ErrFull) {
			t.Errorf("one member too many: %v", err)
		}
		for i := range MaxRooms - 1 {
			l, _ := join(t, d, fmt.Sprintf("room/%d", i), member("a"))
			legs = append(legs, l)
		}
		if _, err := d.Join("room/more", member("more"), &downlink{}); !errors.Is(err, ErrFull) {
			t.Errorf("one room too many: %v", err)
		}
		for _, l := range legs {
			l.Leave()
		}
		if d.Rooms() != 0 {
			t.Errorf("%d rooms are left", d.Rooms())
		}
	})
}

// faulty is a codec whose decoder breaks.
type faulty struct{ pcm.Codec }

func (faulty) NewDecoder(codec.Format) (codec.Decoder, error) { return brokenDecoder{}, nil }

type brokenDecoder struct{}

func (brokenDecoder) Decode([]int16, []byte) (int, error) { panic("broken") }
func (brokenDecoder) Conceal([]int16) error               { panic("broken") }

func TestAFaultEndsOneMembersCallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(Config{Codecs: codec.NewRegistry(faulty{}), Clock: audio.NewClock()})
		bad, badDown := join(t, d, "room/x", member("bad"))
		good, goodDown := join(t, d, "room/x", member("good"))
		third, _ := join(t, d, "room/x", member("third")) // else nothing is decoded
		for seq := uint64(1); seq <= 10; seq++ {
			say(bad, seq, 1, d.cfg.Clock())
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if badDown.failed == nil || goodDown.failed != nil {
			t.Errorf("failed: %v and %v", badDown.failed, goodDown.failed)
		}
		if n := len(goodDown.take()) + goodDown.skipped; n != 10 {
			t.Errorf("the other member got %d frame slots, want 10", n)
		}
		bad.Leave()
		good.Leave()
		third.Leave()
	})
}

func TestTickerCatchesUpAndStartsAnew(t *testing.T) {
	var now time.Duration
	tick := newTicker(func() time.Duration { return now }, 10*time.Millisecond)
	quit := make(chan struct{})
	step := func(wantAt time.Duration, wantAnew bool) {
		t.Helper()
		_, at, anew, ok := tick.wait(1, nil, quit)
		if at != wantAt || anew != wantAnew || !ok {
			t.Fatalf("tick at %v, anew %v, ok %v; want %v, %v", at, anew, ok, wantAt, wantAnew)
		}
	}
	now = 35 * time.Millisecond
	step(10*time.Millisecond, false)
	step(20*time.Millisecond, false)
	step(30*time.Millisecond, false)
	now = time.Second
	step(time.Second, true)
	now += 10 * time.Millisecond
	step(now, false)
	if tick.resets != 1 || tick.late != 3 {
		t.Errorf("counted %d resets and %d late ticks", tick.resets, tick.late)
	}
	close(quit)
	if _, _, _, ok := tick.wait(1, nil, quit); ok {
		t.Error("a tick after the end")
	}
}

func TestAStalledServerStartsANewEpoch(t *testing.T) {
	down := &downlink{}
	d := directory()
	l, err := newConferenceLeg(d, member("a"), down)
	if err != nil {
		t.Fatal(err)
	}
	c := newConference("room/x", 0, d.cfg.Speakers, d.cfg.Clock)
	c.join(l)
	for i := range 4 {
		c.tick(time.Duration(i)*audio.Period, i == 2)
	}
	frames := down.take()
	if len(frames) != 2 || frames[0].Epoch != 1 || frames[1].Epoch != 2 || frames[1].Media != 961 {
		t.Fatalf("frames %v", frames)
	}
}
