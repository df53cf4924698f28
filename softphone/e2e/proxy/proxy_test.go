package proxy_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callcenter/softphone/e2e/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// connect returns both ends of a connection through a proxy.
func connect(t *testing.T) (p *proxy.Proxy, client, server *net.TCPConn) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	p = proxy.Start(t, lis.Addr().String())
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s, err := lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{c, s} {
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	return p, c.(*net.TCPConn), s.(*net.TCPConn)
}

// says writes a word at one end and reads it at the other.
func says(t *testing.T, from, to net.Conn, word string) {
	t.Helper()
	if _, err := io.WriteString(from, word); err != nil {
		t.Fatal(err)
	}
	hears(t, to, word)
}

func hears(t *testing.T, to net.Conn, word string) {
	t.Helper()
	buf := make([]byte, len(word))
	if _, err := io.ReadFull(to, buf); err != nil || string(buf) != word {
		t.Fatalf("%q came, %v; want %q", buf, err, word)
	}
}

// silent asserts that nothing comes for a moment.
func silent(t *testing.T, to net.Conn) {
	t.Helper()
	if err := to.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if n, err := to.Read(make([]byte, 1)); n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("%d bytes came, %v", n, err)
	}
	if err := to.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

func TestBothDirectionsPassAndAreCounted(t *testing.T) {
	p, client, server := connect(t)
	says(t, client, server, "there")
	says(t, server, client, "and back")
	if up, down := p.Passed(proxy.Up), p.Passed(proxy.Down); up != 5 || down != 8 || p.Connections() != 1 {
		t.Errorf("%d bytes up, %d down, %d connections", up, down, p.Connections())
	}
}

func TestAPausedDirectionWaitsAndTheOtherGoesOn(t *testing.T) {
	for _, d := range []proxy.Direction{proxy.Up, proxy.Down} {
		t.Run(d.String(), func(t *testing.T) {
			p, client, server := connect(t)
			from, to := client, server
			if d == proxy.Down {
				from, to = server, client
			}
			says(t, from, to, "before")
			p.Pause(d, d)
			if _, err := io.WriteString(from, "late"); err != nil {
				t.Fatal(err)
			}
			silent(t, to)
			says(t, to, from, "the other way")
			resumed := time.Now()
			p.Resume(d)
			p.Resume(d)
			hears(t, to, "late")
			says(t, from, to, "after")
			if first, ok := p.FirstByte(d); !ok || first.Before(resumed) || time.Since(first) < 0 {
				t.Errorf("the first byte passed at %v, %v", first, ok)
			}
		})
	}
}

// TestAPauseStallsTheSender writes until nothing more is taken: that is soon,
// and every byte of it arrives after the pause.
func TestAPauseStallsTheSender(t *testing.T) {
	p, client, server := connect(t)
	if err := client.SetWriteBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	p.Pause(proxy.Up)
	taken := 0
	for {
		if err := client.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := client.Write(make([]byte, 512))
		taken += n
		if err != nil {
			break
		}
	}
	t.Logf("%d bytes were taken", taken)
	if taken > 64<<10 {
		t.Error("a pause that takes so much stalls nobody")
	}
	if p.Passed(proxy.Up) != 0 {
		t.Errorf("%d bytes passed", p.Passed(proxy.Up))
	}
	p.Resume(proxy.Up)
	if _, err := io.ReadFull(server, make([]byte, taken)); err != nil {
		t.Fatal(err)
	}
}

func TestACutDirectionEndsAndTheOtherGoesOn(t *testing.T) {
	p, client, server := connect(t)
	says(t, client, server, "hello")
	p.Pause(proxy.Up)
	p.Cut(proxy.Up)
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the server sees %v, want the end", err)
	}
	says(t, server, client, "still there")
	silent(t, client)
	p.Resume(proxy.Up)
	p.Cut(proxy.Down)
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the client sees %v, want the end", err)
	}
}

func TestAResetIsSeenByTheReceiverAlone(t *testing.T) {
	for _, d := range []proxy.Direction{proxy.Up, proxy.Down} {
		t.Run(d.String(), func(t *testing.T) {
			p, client, server := connect(t)
			says(t, client, server, "hello")
			to, from := server, client
			if d == proxy.Down {
				to, from = client, server
			}
			p.Reset(d)
			if _, err := to.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("the receiver sees %v, want a reset", err)
			}
			silent(t, from)
			p.Reset(1 - d)
			if _, err := from.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("the sender sees %v, want a reset", err)
			}
		})
	}
}

func TestAnAbortIsSeenByBothAndNothingIsLeft(t *testing.T) {
	p, client, server := connect(t)
	says(t, client, server, "hello")
	p.Pause(proxy.Down)
	p.Abort()
	for _, end := range []net.Conn{client, server} {
		if _, err := end.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("one end sees %v, want a reset", err)
		}
	}
	for limit := time.Now().Add(patience); p.Connections() > 0; {
		if time.Now().After(limit) {
			t.Fatalf("%d connections are left", p.Connections())
		}
		<-time.After(time.Millisecond)
	}
}

func TestTheEndsOfOthersArePassedOn(t *testing.T) {
	_, client, server := connect(t)
	says(t, client, server, "hello")
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the server sees %v, want the end", err)
	}
	says(t, server, client, "goodbye")
	if err := errors.Join(server.SetLinger(0), server.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Fatal("the client sees nothing of a reset")
	}
}

func TestNobodyBehindTheProxyIsAReset(t *testing.T) {
	p := proxy.Start(t, "127.0.0.1:1")
	c, err := net.Dial("tcp", p.Addr)
	if err == nil {
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience)) // it may be reset already
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("the client sees %v, want a reset", err)
	}
}
