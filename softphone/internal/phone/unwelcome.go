package phone

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api/wire"
)

// unwelcome is why a server refuses this operator, or does not let a call go on:
// what this phone knows of its token, what the server says, and whom to ask.
func (p *Phone) unwelcome(server string, st *status.Status, wasLive bool) string {
	msg := wire.Clean(st.Message())
	does, ask := "refuses this call", ": ask its administrator"
	if wasLive {
		does = "does not let this call go on"
	}
	if st.Code() == codes.PermissionDenied {
		if !p.cfg.Token.Given() {
			return fmt.Sprintf("server %s %s (%s)%s for access", server, does, msg, ask)
		}
		return fmt.Sprintf("server %s %s, as your token does not allow it (%s)%s for the right to, or dial another destination", server, does, msg, ask)
	}
	if !p.cfg.Token.Given() {
		return fmt.Sprintf("server %s %s without a token (%s): name the file with yours by --token-file, or ask its administrator for one", server, does, msg)
	}
	if c, err := p.cfg.Token.Claims(); err == nil {
		if text := c.Expired(time.Now()); text != "" {
			return fmt.Sprintf("server %s %s: %s%s for a new one", server, does, text, ask)
		}
	}
	return fmt.Sprintf("server %s %s, as it does not accept your token (%s)%s for a new one", server, does, msg, ask)
}
