//go:build !linux

package socket

import (
	"net"
	"time"
)

func tune(*net.TCPConn) {}

func giveUp(*net.TCPConn, time.Duration) {}
