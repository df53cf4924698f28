package certs

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// shake begins a handshake of both sides and returns where the server's ends.
func shake(tb testing.TB, h *handshakes) <-chan error {
	tb.Helper()
	ours, theirs := net.Pipe()
	go func() {
		c := tls.Client(theirs, &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		_ = c.Handshake() // the server's end of it counts
		_ = theirs.Close()
	}()
	ended := make(chan error, 1)
	go func() {
		secured, _, err := h.ServerHandshake(ours)
		if err == nil {
			_ = secured.Close() // whether the other side still hears of it
		}
		ended <- err
	}()
	return ended
}

func TestAHandshakeWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := Open(Settings{StateDir: t.TempDir()})
		must(t, err)
		h := st.Credentials().(*handshakes)
		if cap(h.turns) < 1 {
			t.Fatal("nobody ever has a turn")
		}
		busy := func() {
			for range cap(h.turns) {
				h.turns <- struct{}{}
			}
		}
		busy()
		ended := shake(t, h)
		time.Sleep(turnLimit - time.Millisecond)
		if len(ended) > 0 {
			t.Fatalf("it did not wait: %v", <-ended)
		}
		<-h.turns
		if err := <-ended; err != nil {
			t.Errorf("it had its turn: %v", err)
		}
		if len(h.turns) != cap(h.turns)-1 {
			t.Errorf("%d turns are taken", len(h.turns))
		}
		h.turns <- struct{}{}
		ended, began := shake(t, h), time.Now()
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != turnLimit {
			t.Errorf("one whose turn does not come ends with %v after %v", err, time.Since(began))
		}
	})
}

// TestWhoDoesNotFinishHasNoTurn is what a peer that says nothing more holds up:
// nobody.
func TestWhoDoesNotFinishHasNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := Open(Settings{StateDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		h := st.Credentials().(*handshakes)
		var slow []net.Conn
		for range 3 * cap(h.turns) {
			ours, theirs := net.Pipe()
			slow = append(slow, theirs)
			go func() {
				_, _, _ = h.ServerHandshake(ours) // it is cut off below
			}()
			_, err := theirs.Write([]byte("\x16\x03\x01\x02\x00\x01\x00"))
			must(t, err)
		}
		synctest.Wait()
		if len(h.turns) != 0 {
			t.Errorf("%d turns are taken by those who wait", len(h.turns))
		}
		if err := <-shake(t, h); err != nil {
			t.Errorf("one that goes on: %v", err)
		}
		for _, c := range slow {
			must(t, c.Close())
		}
	})
}

// BenchmarkHandshake is one of both sides together, which do about as much.
func BenchmarkHandshake(b *testing.B) {
	st, err := Open(Settings{StateDir: b.TempDir()})
	must(b, err)
	h, ok := st.Credentials().(*handshakes)
	if !ok {
		b.Fatal("they are others")
	}
	b.ReportAllocs()
	for b.Loop() {
		must(b, <-shake(b, h))
	}
}
