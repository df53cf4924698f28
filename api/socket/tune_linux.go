package socket

import (
	"net"

	"golang.org/x/sys/unix"
)

func tune(conn *net.TCPConn) {
	_ = conn.SetWriteBuffer(sendBuffer)
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
	})
}
