package call

import (
	"errors"
	"fmt"
	"slices"

	"callcenter/softphone/internal/callstate"
)

// bar takes the server of the trial off the list, for this call. Where the call
// goes on the operator is told; a call that is dialed tells once it is answered,
// or by how it ends.
func (s *schedule) bar(err error) {
	if at := slices.Index(s.servers, s.trying); at >= 0 {
		s.servers = slices.Delete(slices.Clone(s.servers), at, at+1)
		if s.next > at {
			s.next--
		}
		s.next %= max(1, len(s.servers))
	}
	s.left = min(s.left, len(s.servers))
	s.refused = err
	if s.active != 0 || s.phase != phaseDialing && len(s.servers) > 0 {
		s.sayRefused()
	}
}

// sayRefused tells why a server is off the list.
func (s *schedule) sayRefused() {
	err := s.refused
	var of *ServerError
	if errors.As(err, &of) {
		err = of.Err
	}
	s.say(callstate.Failure, "%s", callstate.Sentence(err))
}

// all names the servers that are tried.
func (s *schedule) all() string {
	others := len(s.servers)
	again := slices.Contains(s.servers, s.server)
	if again {
		others--
	}
	switch {
	case others == 0:
		return s.server + " again"
	case again && others == 1:
		return s.server + " and another server"
	case again:
		return fmt.Sprintf("%s and %d other servers", s.server, others)
	case others == 1:
		return "another server"
	}
	return fmt.Sprintf("%d other servers", others)
}
