package callcenter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"callcenter/server/servertest"
)

// logs keeps a server's log lines.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// lines returns the lines of that message and call.
func (l *logs) lines(tb testing.TB, msg, id string) (found []map[string]any) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.b.Bytes()) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			tb.Fatal(err)
		}
		if m["msg"] == msg && m["call_id"] == id {
			found = append(found, m)
		}
	}
	return found
}

// ended waits for a call's last line.
func (l *logs) ended(tb testing.TB, id string) map[string]any {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if lines := l.lines(tb, "call ended", id); len(lines) > 0 {
			return lines[0]
		}
		runtime.Gosched()
	}
	tb.Fatalf("call %s has no last line in the log", id)
	return nil
}

// undisturbed runs a call of 25 frames at 20 ms and fails if a frame is lost,
// changed or slow while others misbehave.
func undisturbed(t *testing.T, s *servertest.Server, id string) {
	t.Helper()
	c := call(t, s, first(id, "echo"))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range 25 {
		<-tick.C
		want := bytes.Repeat([]byte{byte(i)}, 81)
		begin := c.clock()
		c.frame(want)
		got := c.recvAudio()
		if !bytes.Equal(got.AudioData, want) || got.DroppedBefore != 0 || got.Sequence != uint64(i+1) {
			t.Fatalf("frame %d came back as %v", i, got)
		}
		if took := c.clock() - begin; took > time.Second {
			t.Fatalf("frame %d took %v", i, took)
		}
	}
	if st := c.hangUp(); st != 0 {
		t.Fatalf("%d frames too many", st)
	}
}

func TestCallsDoNotNotice(t *testing.T) {
	t.Parallel()
	frames := func(t *testing.T, s *servertest.Server, dest string, n int, data []byte, read bool) *client {
		c := call(t, s, first("bad", dest))
		if read {
			go c.end()
		}
		for range n {
			c.frame(data)
		}
		return c
	}
	for _, tc := range []struct {
		name    string
		run     func(*testing.T, *servertest.Server) *client
		counter string
		least   float64
	}{
		{"a flood", func(t *testing.T, s *servertest.Server) *client {
			return frames(t, s, "echo", 3000, make([]byte, 80), true)
		}, "flooded", 1000},
		{"malformed Opus in a room", func(t *testing.T, s *servertest.Server) *client {
			c := first("bad", "room/x")
			c.Codec = "opus"
			cl := call(t, s, c)
			go cl.end()
			for range 100 {
				cl.frame([]byte{0xff, 0xff, 0x01})
			}
			return cl
		}, "malformed", 50}, // which end it
		{"odd pcm in a room", func(t *testing.T, s *servertest.Server) *client {
			return frames(t, s, "room/x", 100, []byte{1, 2, 3}, true)
		}, "malformed", 50}, // which end it
		{"noise that passes for Opus in a room", func(t *testing.T, s *servertest.Server) *client {
			c := first("bad", "room/x")
			c.Codec = "opus"
			cl := call(t, s, c)
			go cl.end()
			for i := range 100 {
				cl.frame(bytes.Repeat([]byte{0x78, byte(i), 0x5a}, 20))
			}
			return cl
		}, "frames_in", 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := &logs{}
			s := servertest.Start(t, servertest.Options{Log: l.logger()})
			bad := tc.run(t, s)
			undisturbed(t, s, "good")
			bad.cancel()
			if line := l.ended(t, "bad"); line[tc.counter].(float64) < tc.least {
				t.Errorf("the log counts %s %v, want at least %v", tc.counter, line[tc.counter], tc.least)
			}
		})
	}
}

// TestStalledReaderHoldsUpNobodyAndNoMemory is not parallel: the heap is that of
// all tests.
func TestStalledReaderHoldsUpNobodyAndNoMemory(t *testing.T) {
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	stalled := call(t, s, first("stalled", "echo"))
	room := call(t, s, first("stalled-in-room", "room/x"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 500 { // 960 kB, more than transport and queue hold
		stalled.frame(make([]byte, 1920))
	}
	undisturbed(t, s, "good")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	stalled.cancel()
	room.cancel()
	if line := l.ended(t, "stalled"); line["dropped"].(float64) < 50 {
		t.Errorf("the log counts %v drops", line["dropped"])
	}
}

func TestPlainStalledReaderIsHeldBack(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	p := dialPlain(t, s, "stalled")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 500 {
			if p.stream.SendMsg(p.chunk(make([]byte, 3000), false)) != nil {
				return
			}
		}
	}()
	undisturbed(t, s, "good")
	select {
	case <-sent:
		t.Error("1.5 MB went to a server whose answers nobody reads")
	default:
	}
	s.Kill() // also with a loop that waits for the reader
	<-sent
}

func TestOneLineAtStartAndOneAtEnd(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	c := first("a\x1b[31m\nid", "echo")
	cl := call(t, s, c)
	cl.frame([]byte{1, 2})
	cl.recvAudio()
	cl.hangUp()
	const id = "a[31mid"
	line := l.ended(t, id)
	if n := len(l.lines(t, "call started", id)); n != 1 {
		t.Fatalf("%d lines say that the call started", n)
	}
	for key, want := range map[string]any{
		"destination": "echo", "codec": "pcm", "rate": 48000.0, "channels": 1.0, "extended": true,
		"frames_in": 1.0, "frames_out": 1.0, "dropped": 0.0, "flooded": 0.0, "status": "OK", "reason": "caller hung up",
	} {
		if line[key] != want {
			t.Errorf("the last line says %s=%v, want %v", key, line[key], want)
		}
	}
	if started := l.lines(t, "call started", id)[0]; started["peer"] == "" || started["peer"] == nil {
		t.Error("the first line names no peer")
	}
}
