package admission

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// frame is one of HTTP/2 with so many bytes.
func frame(kind, flags byte, n int) []byte {
	return append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, 1}, make([]byte, n)...)
}

const framePing = 6

// spends feeds a meter with a frame, again and again, and returns after how many it
// was too much, within most.
func spends(f []byte, every time.Duration, most int) int {
	now := at(0)
	m := NewMeter(now, 0)
	m.Read(make([]byte, prefaceLen), nil)
	for i := range most {
		if !m.Read(f, func() time.Time { return now }) {
			return i
		}
		now = now.Add(every)
	}
	return most
}

func TestFramesWithoutAMessageEndAConnectionThatBringsTooMany(t *testing.T) {
	for name, tc := range map[string]struct {
		frame []byte
		limit int // at once
		slow  time.Duration
	}{
		"pings":                  {frame(framePing, 0, 8), 20000, 210 * time.Microsecond},
		"settings":               {frame(4, 0, 0), 20000, 210 * time.Microsecond},
		"window updates":         {frame(8, 0, 4), 20000, 210 * time.Microsecond},
		"resets":                 {frame(3, 0, 4), 20000, 210 * time.Microsecond},
		"single bytes":           {frame(frameData, 0, 1), 20000, 210 * time.Microsecond},
		"header blocks":          {frame(frameHeaders, 4, 30), 1000, 4100 * time.Microsecond},
		"header blocks unending": {frame(frameContinuation, 0, 0), 1000, 4100 * time.Microsecond},
		"messages":               {frame(frameData, 0, 100), 200000, 21 * time.Microsecond},
	} {
		if n := spends(tc.frame, 0, 2*tc.limit); n != tc.limit {
			t.Errorf("%s: %d at once, want %d", name, n, tc.limit)
		}
		if n := spends(tc.frame, tc.slow, 3*tc.limit); n != 3*tc.limit {
			t.Errorf("%s, one each %v: ended after %d", name, tc.slow, n)
		}
		if n := spends(tc.frame, tc.slow*9/10, 3*tc.limit); n == 3*tc.limit {
			t.Errorf("%s, one each %v: never ended", name, tc.slow*9/10)
		}
	}
}

func TestAMeterForMoreStreamsAllowsMore(t *testing.T) {
	m, message := NewMeter(at(0), 1000), frame(frameData, 0, 20)
	m.Read(make([]byte, prefaceLen), nil)
	for i := range 2000000 {
		if !m.Read(message, func() time.Time { return at(0) }) {
			t.Fatalf("ended after %d", i)
		}
	}
}

func TestFramesAreTheSameHoweverTheyAreCut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all bytes.Buffer
	all.Write(make([]byte, prefaceLen))
	want := 0
	for range 1000 {
		kind, n := byte(r.IntN(10)), r.IntN(300)
		all.Write(frame(kind, 0, n))
		switch {
		case kind == frameHeaders, kind == frameContinuation:
			want += headersWeight
		case kind == frameData && n >= tinyData:
			want++
		default:
			want += emptyWeight
		}
	}
	m := NewMeter(at(0), 0)
	for all.Len() > 0 {
		if !m.Read(all.Next(r.IntN(40)), func() time.Time { return at(0) }) {
			t.Fatal("too much")
		}
	}
	if got := m.budget - m.left; got != want {
		t.Errorf("they count %d, want %d", got, want)
	}
}

func BenchmarkMeter(b *testing.B) {
	m, message := NewMeter(at(0), 1<<40), frame(frameData, 0, 100)
	for b.Loop() {
		m.Read(message, time.Now)
	}
}
