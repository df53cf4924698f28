package auth

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// maxPatterns is how many destinations a token may list, maxPattern how long
	// each may be.
	maxPatterns = 64
	maxPattern  = 80
)

// Grants are what a token's bearer may do. The zero value allows nothing.
type Grants struct {
	// Call are the destinations that may be called: "echo", "tone", "room/NAME",
	// or a beginning that ends in "*": "room/*", "*".
	Call []string
	// Speak lets others hear the bearer, Listen the bearer others. A loopback
	// needs both, a tone needs Listen, a room needs one of them.
	Speak, Listen bool
	// Admin may ask the server about itself: reflection, off loopback.
	Admin bool
}

// MayCall returns nil if the grants allow a call to a destination that exists, and
// else an error that wraps ErrDenied and names the grant that is missing.
func (g *Grants) MayCall(destination string) error {
	if !g.calls(destination) {
		return fmt.Errorf("%w to call %s: ask for one with --call %s", ErrDenied, destination, destination)
	}
	switch {
	case destination == "echo" && g.Speak && g.Listen, destination == "tone" && g.Listen:
		return nil
	case destination == "echo":
		return fmt.Errorf("%w to call echo: ask for one with --speak and --listen", ErrDenied)
	case destination == "tone":
		return fmt.Errorf("%w to call tone: ask for one with --listen", ErrDenied)
	case strings.HasPrefix(destination, "room/") && (g.Speak || g.Listen):
		return nil
	default:
		return fmt.Errorf("%w to call %s: ask for one with --speak, --listen or both", ErrDenied, destination)
	}
}

// calls reports that a pattern of Call is the destination's.
func (g *Grants) calls(destination string) bool {
	for _, p := range g.Call {
		beginning, open := strings.CutSuffix(p, "*")
		if open && strings.HasPrefix(destination, beginning) || p == destination {
			return true
		}
	}
	return false
}

// MayAdminister returns nil if the grants allow to ask the server about itself, and
// else an error that wraps ErrDenied.
func (g *Grants) MayAdminister() error {
	if !g.Admin {
		return fmt.Errorf("%w: ask for one with --admin", ErrDenied)
	}
	return nil
}

// check reports grants that no token may have.
func (g *Grants) check() error {
	if len(g.Call) > maxPatterns {
		return fmt.Errorf("more than %d destinations", maxPatterns)
	}
	for _, p := range g.Call {
		if err := checkPattern(p); err != nil {
			return err
		}
	}
	return nil
}

// checkPattern reports a pattern of Call that is none.
func checkPattern(p string) error {
	beginning := strings.TrimSuffix(p, "*")
	if p == "" || len(p) > maxPattern {
		return fmt.Errorf("a destination without a name or longer than %d bytes", maxPattern)
	}
	for _, r := range beginning {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-", r) {
			return errors.New("a destination with other characters than a-z 0-9 / . _ -, and * at its end")
		}
	}
	return nil
}

// CheckCall reports a pattern that can be no destination's, for those who make
// tokens.
func CheckCall(p string) error {
	if err := checkPattern(p); err != nil {
		return err
	}
	beginning, open := strings.CutSuffix(p, "*")
	for _, destination := range []string{"echo", "tone", "room/"} {
		if p == destination && destination != "room/" || open && strings.HasPrefix(destination, beginning) {
			return nil
		}
	}
	name, room := strings.CutPrefix(beginning, "room/")
	if room && len(name) <= 64 && name != "" && !strings.Contains(name, "/") {
		return nil
	}
	return errors.New("there are echo, tone, room/NAME, and beginnings of them with * at the end")
}
