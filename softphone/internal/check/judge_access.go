package check

import (
	"time"

	"callcenter/api/wire"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/callstate"
)

// encryptionView is whether others can hear, and who the server proved to be.
func encryptionView(s callstate.Security) view {
	switch {
	case !s.Known:
		return untested("the connection does not say")
	case s.Open():
		return view{finding: "not encrypted: whoever is in between hears every call"}.but(callstate.GradeWarn,
			"Leave --tls at auto and ask the administrator for a server that encrypts, or call through a tunnel.")
	case !s.Encrypted:
		return pass(nil, "not encrypted, as the server is on this computer")
	case s.First:
		return view{finding: "encrypted, and the server was met just now: its key " + s.Fingerprint + " is remembered"}.but(callstate.GradeWarn,
			"Compare it with what the server printed when it started.")
	}
	return pass(nil, "encrypted, and the server known: %s (%s)", s.KnownBy, s.Fingerprint)
}

// tokenView is who the operator is, and until when.
func tokenView(s bearer.Source, now time.Time) view {
	if !s.Given() {
		return pass(nil, "none is used")
	}
	const renew = "Ask the administrator for a new one."
	c, err := s.Claims()
	if err != nil {
		return view{finding: err.Error()}.but(callstate.GradeFail, "Put a token where --token-file says.")
	}
	who := "somebody without a name"
	if c.Subject != "" {
		who = wire.Clean(c.Subject)
	}
	v := pass(nil, "%s, %s", who, c.Until())
	if !c.Expires.IsZero() {
		v.figures = figures{"expires_in_s": c.Expires.Sub(now).Seconds()}.rounded()
	}
	switch expired, soon, exposed := c.Expired(now), c.Soon(now), s.Exposed(); {
	case expired != "":
		v.finding = who + ": " + expired
		return v.but(callstate.GradeFail, renew)
	case soon != "":
		v.finding = who + ": " + soon
		return v.but(callstate.GradeWarn, renew)
	case exposed != "":
		v.finding += "; " + exposed
		return v.but(callstate.GradeWarn, "Nobody else needs to read it.")
	}
	return v
}
