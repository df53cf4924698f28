//go:build !unix

package callcenter

import "net"

func ready(m *meteredConn, _ *net.TCPConn) net.Conn { return m }
