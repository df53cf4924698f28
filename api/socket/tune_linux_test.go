package socket_test

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"callcenter/api/socket"
)

// options returns TCP_NOTSENT_LOWAT, SO_SNDBUF and TCP_NODELAY.
func options(t *testing.T, conn net.Conn) (notSent, sendBuffer, noDelay int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errs [3]error
	err = raw.Control(func(fd uintptr) {
		notSent, errs[0] = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT)
		sendBuffer, errs[1] = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
		noDelay, errs[2] = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY)
	})
	if err := errors.Join(err, errors.Join(errs[:]...)); err != nil {
		t.Fatal(err)
	}
	return notSent, sendBuffer, noDelay
}

func TestBothEndsKeepLittleInTheKernel(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	client, err := socket.Dial(t.Context(), lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	socket.Tune(server)
	for name, conn := range map[string]net.Conn{"client": client, "server": server} {
		notSent, sendBuffer, noDelay := options(t, conn)
		// The kernel doubles the buffer for its book-keeping.
		if notSent != 4<<10 || sendBuffer != 128<<10 || noDelay != 1 {
			t.Errorf("%s: %d bytes unsent, a buffer of %d, no delay %d", name, notSent, sendBuffer, noDelay)
		}
	}
}
