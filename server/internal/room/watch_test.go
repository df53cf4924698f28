package room

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

// hanging is pcm whose coding blocks while the gate is shut: that of a packet
// which begins with 0x66 0x66, or all encoding.
type hanging struct {
	pcm.Codec
	gate    *gate
	encoder bool
}

// gate is open until it is shut.
type gate struct {
	mu   sync.Mutex
	shut chan struct{}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

func (g *gate) pass() {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

type hangingDecoder struct {
	codec.Decoder
	gate *gate
}

func (h hangingDecoder) Decode(out []int16, packet []byte) (int, error) {
	if packet[0] == 0x66 && packet[1] == 0x66 {
		h.gate.pass()
	}
	return h.Decoder.Decode(out, packet)
}

type hangingEncoder struct {
	codec.Encoder
	gate *gate
}

func (h hangingEncoder) Encode(dst []byte, in []int16) (int, error) {
	h.gate.pass()
	return h.Encoder.Encode(dst, in)
}

func (h hanging) NewDecoder(f codec.Format) (codec.Decoder, error) {
	d, err := h.Codec.NewDecoder(f)
	return hangingDecoder{d, h.gate}, err
}

func (h hanging) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	e, err := h.Codec.NewEncoder(f, o)
	if !h.encoder {
		return e, err
	}
	return hangingEncoder{e, h.gate}, err
}

// stallingRoom returns a directory whose codec hangs while the gate is shut, and
// its log.
func stallingRoom(encoder bool) (*Directory, *gate, *bytes.Buffer) {
	var log bytes.Buffer
	g := &gate{}
	return New(Config{
		Codecs: codec.NewRegistry(hanging{gate: g, encoder: encoder}),
		Clock:  audio.NewClock(),
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
	}), g, &log
}

// sayFor says 20 ms of the sample's byte each 20 ms, so often from seq on.
func sayFor(l Leg, d *Directory, seq, n uint64, value byte) {
	for i := range n {
		say(l, seq+i, value, d.cfg.Clock())
		time.Sleep(20 * time.Millisecond)
	}
}

func TestARoomThatStandsStillIsReplacedUnderItsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, log := stallingRoom(false)
		a, hears := join(t, d, "room/x", member("anna"))
		_, others := join(t, d, "room/x", member("ben"))
		bad, badDown := join(t, d, "room/x", member("poison"))
		sayFor(a, d, 1, 20, 1)
		id := others.events[0].Participant
		hears.take()

		g.close()
		badData := make([]byte, 1920)
		for i := range badData {
			badData[i] = 0x66
		}
		sayBytes(bad, 1, badData, d.cfg.Clock())
		begin := time.Now()
		for badFailed := false; !badFailed && time.Since(begin) < 10*time.Second; {
			time.Sleep(50 * time.Millisecond)
			badDown.mu.Lock()
			badFailed = badDown.failed != nil
			badDown.mu.Unlock()
		}
		if took := time.Since(begin); took < stallLimit || took > 2100*time.Millisecond {
			t.Errorf("it was noticed after %v", took)
		}
		synctest.Wait()
		if _, ok := badDown.failed.(interface{ Stack() []byte }); !ok {
			t.Errorf("the one whose codec hangs was told %v", badDown.failed)
		}
		if hears.failed != nil || others.failed != nil {
			t.Errorf("the others were told %v, %v", hears.failed, others.failed)
		}
		bad.Stats() // none of them waits for the codec
		bad.SetOneWay(time.Millisecond)
		say(bad, 2, 1, d.cfg.Clock())
		bad.Leave()

		hears.take()
		others.take()
		sayFor(a, d, 200, 50, 1)
		frames := others.take()
		if len(frames) < 40 || len(frames[len(frames)-1].Data) == 0 || frames[0].Epoch != 2 {
			t.Errorf("%d frames come from the fresh room", len(frames))
		}
		if n := len(hears.events); n != 3 || hears.events[2].Kind != Left || hears.events[2].Name != "poison" {
			t.Errorf("the room was told %+v, want that one left", hears.events)
		}
		_, newcomer := join(t, d, "room/x", member("carl"))
		if newcomer.events[0].Participant != id || len(newcomer.events) != 3 || newcomer.events[1].Kind != Speaking {
			t.Errorf("a newcomer is told of %+v", newcomer.events)
		}
		for _, want := range []string{"room stood still", "call_id=poison", "hangingDecoder", "replaced=true"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q: %s", want, log)
			}
		}
		g.open() // the stuck goroutine ends without a word
		synctest.Wait()
		if badDown.take(); d.Rooms() != 1 {
			t.Errorf("%d rooms", d.Rooms())
		}
		for _, l := range d.rooms["room/x"].legs {
			defer l.Leave()
		}
	})
}

// TestARoomThatStandsStillAgainAndAgainEnds hangs in the encoder of whoever comes
// first.
func TestARoomThatStandsStillAgainAndAgainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, _ := stallingRoom(true)
		var legs []Leg
		var downs []*downlink
		for i := range 6 {
			m := member(string(rune('a' + i)))
			m.Extended = false // so that also silence is encoded
			l, down := join(t, d, "room/x", m)
			legs, downs = append(legs, l), append(downs, down)
		}
		time.Sleep(time.Second)
		g.close()
		time.Sleep((maxStalls + 2) * (stallLimit + watchInterval))
		synctest.Wait()
		stuck, ended := 0, 0
		for _, down := range downs {
			if _, ok := down.failed.(interface{ Stack() []byte }); ok {
				stuck++
			} else if errors.Is(down.failed, ErrStalled) {
				ended++
			}
		}
		if stuck != maxStalls+1 || ended != len(downs)-stuck {
			t.Errorf("of %d members %d were stuck and %d told to call again", len(downs), stuck, ended)
		}
		if d.Rooms() != 0 {
			t.Errorf("%d rooms are left", d.Rooms())
		}
		for _, l := range legs {
			l.Leave()
		}
		g.open()
		synctest.Wait()
		again, down := join(t, d, "room/x", member("again"))
		time.Sleep(time.Second)
		if len(down.take()) == 0 {
			t.Error("a room of that name is silent")
		}
		again.Leave()
	})
}

// TestTheLastOneOutOfAStuckRoomIsFree leaves while the codec hangs.
func TestTheLastOneOutOfAStuckRoomIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, _ := stallingRoom(true)
		m := member("a")
		m.Extended = false
		l, _ := join(t, d, "room/x", m)
		g.close()
		time.Sleep(time.Second)
		begin := time.Now()
		l.Leave()
		if took := time.Since(begin); took == 0 || took > stallLimit {
			t.Errorf("leaving took %v", took)
		}
		g.open()
	})
}
