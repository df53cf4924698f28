package phone

import (
	"callcenter/api/wire"
	"callcenter/softphone/internal/callstate"
)

// Memory keeps what was dialed. Its methods are safe for concurrent use and
// return at once.
type Memory interface {
	// Recent are the destinations that were dialed, the newest first, each once.
	Recent() []string
	// Dialed tells of one more.
	Dialed(destination string)
}

// Directory is who can be dialed with few keys. What was dialed before has the
// name of its favourite or contact, if it is one.
func (p *Phone) Directory() callstate.Directory {
	d := callstate.Directory{Favourites: p.cfg.Favourites, Contacts: p.cfg.Contacts}
	if p.cfg.Memory == nil {
		return d
	}
	for _, destination := range p.cfg.Memory.Recent() {
		d.Recent = append(d.Recent, callstate.Contact{Name: p.nameOf(destination), Destination: destination})
	}
	return d
}

func (p *Phone) nameOf(destination string) string {
	for _, list := range [][]callstate.Contact{p.cfg.Favourites, p.cfg.Contacts} {
		for _, c := range list {
			if c.Destination == destination && c.Name != "" {
				return c.Name
			}
		}
	}
	return ""
}

// remember keeps what is dialed, unless it cannot be right.
func (p *Phone) remember(destination string) {
	if p.cfg.Memory != nil && wire.CheckDestination(destination) == nil {
		p.cfg.Memory.Dialed(destination)
	}
}
