package hostile

import (
	"crypto/tls"

	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/phone"
)

// site is a server, and how one gets into it.
type site struct {
	address string
	connect func(server string) (call.Conn, error)
	tls     *tls.Config // of attackers; nil: plain text
	token   string      // of attackers, and worth nothing; "": none
}

// openSite is a server that speaks plain text and asks nobody who calls.
func openSite(address string) site { return site{address: address, connect: phone.Connect} }
