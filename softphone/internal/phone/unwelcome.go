package phone

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/softphone/internal/printable"
)

// unwelcome is why a server refuses this operator, or does not let a call go on:
// what this phone knows of its token, what the server says, and whom to ask. What
// a server says is a reason and, after a colon, advice; here is better advice.
func (p *Phone) unwelcome(server string, st *status.Status, wasLive bool) string {
	reason, _, _ := strings.Cut(printable.Clean(st.Message()), ": ")
	does := "refuses this call"
	if wasLive {
		does = "does not let this call go on"
	}
	does = fmt.Sprintf("server %s %s", server, does)
	if !p.cfg.Token.Given() {
		if st.Code() == codes.PermissionDenied {
			return fmt.Sprintf("%s (%s): ask its administrator for access", does, reason)
		}
		return fmt.Sprintf("%s without a token (%s): name the file with yours by --token-file, or ask its administrator for one", does, reason)
	}
	if st.Code() == codes.PermissionDenied {
		return fmt.Sprintf("%s (%s): ask its administrator for a token that allows it, or dial another destination", does, reason)
	}
	if c, err := p.cfg.Token.Claims(); err == nil {
		if text := c.Expired(time.Now()); text != "" {
			return fmt.Sprintf("%s: %s; ask its administrator for a new one", does, text)
		}
	}
	return fmt.Sprintf("%s, as it does not accept your token (%s): ask its administrator for a new one", does, reason)
}
