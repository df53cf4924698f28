package socket_test

import (
	"net"
	"testing"

	"callcenter/api/socket"
)

func TestWhatIsNoTCPStaysAsItIs(t *testing.T) {
	a, b := net.Pipe()
	socket.Tune(a)
	go func() { _, _ = a.Write([]byte("x")) }()
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestNobodyThereIsAnError(t *testing.T) {
	if _, err := socket.Dial(t.Context(), "127.0.0.1:1"); err == nil {
		t.Error("connected to nobody")
	}
}
