//go:build !linux

package socket

import "net"

func tune(*net.TCPConn) {}
