package call

import (
	"fmt"

	"callcenter/api"
	"callcenter/softphone/internal/callstate"
)

// secured is a Conn that says how its connection is secured, once a stream is
// there.
type secured interface{ Security() callstate.Security }

// rights are what the server does not let this operator do.
type rights struct{ mayNotSpeak, mayNotListen bool }

// secure notes how the connection is secured that carries the call from now on. An
// operator is told once that others can hear the call, and again where it had been
// encrypted meanwhile.
func (c *Call) secure(k *carrier) {
	was := c.security.Swap(&k.security)
	if k.security.Open() && (was == nil || !was.Open()) {
		c.notice(callstate.Notice{Severity: callstate.Warning, Text: fmt.Sprintf(
			"This call is not encrypted: whoever is between you and server %s can hear it.", k.server)})
	}
}

// permit notes what an answer does not allow, and tells it when that is new.
func (c *Call) permit(e *api.Event) {
	now := rights{e.GetMayNotSpeak(), e.GetMayNotListen()}
	was := c.rights.Swap(&now)
	if was == nil {
		was = &rights{}
	}
	if text := now.sentence(); text != "" && now != *was {
		c.notice(callstate.Notice{Severity: callstate.Warning, Text: text})
	}
}

func (r rights) sentence() string {
	switch {
	case r.mayNotSpeak && r.mayNotListen:
		return "Nobody hears you, and you hear nobody: your token lets you neither speak nor listen."
	case r.mayNotSpeak:
		return "Nobody hears you: your token does not let you speak. Ask your administrator for one that does."
	case r.mayNotListen:
		return "You hear nobody: your token does not let you listen. Ask your administrator for one that does."
	}
	return ""
}

// permitted are the rights of the newest answer.
func (c *Call) permitted() rights {
	if r := c.rights.Load(); r != nil {
		return *r
	}
	return rights{}
}
