package phone

import "callcenter/softphone/internal/callstate"

// Directory is who can be dialed with few keys. What was dialed before has the
// name of its favourite or contact, if it is one.
func (p *Phone) Directory() callstate.Directory {
	d := callstate.Directory{Favourites: p.cfg.Favourites, Contacts: p.cfg.Contacts}
	if p.cfg.Ledger == nil {
		return d
	}
	for _, destination := range p.cfg.Ledger.Recent() {
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
