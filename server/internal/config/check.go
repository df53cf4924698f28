package config

import (
	"errors"
	"fmt"
	"net"
	"time"

	"callcenter/server/internal/room"
)

// mistake is what is wrong with a setting.
type mistake struct {
	key string
	err error
}

// check returns what no server can have, first of each setting by itself and then
// of settings beside each other. source says where a setting came from.
func (c *Config) check(source func(key string) string) []error {
	var mistakes []error
	for _, m := range append(c.alone(), c.together(source)...) {
		if m.err != nil {
			mistakes = append(mistakes, fmt.Errorf("setting %s from %s: %w", m.key, source(m.key), m.err))
		}
	}
	return mistakes
}

func (c *Config) alone() []mistake {
	return []mistake{
		{"listen", checkAddress(c.Listen)},
		{"mode", checkChoice(c.Mode, Choices()["mode"])},
		{"log-format", checkChoice(c.LogFormat, Choices()["log-format"])},
		{"drain-timeout", checkRange(c.DrainTimeout, 0, time.Hour)},
		{"max-calls", checkRange(c.MaxCalls, 1, 1_000_000)},
		{"speakers", checkRange(c.Speakers, 1, room.MaxMembers)},
		{"max-calls-per-address", checkRange(c.MaxCallsPerAddress, 0, 1_000_000)},
		{"max-calls-per-identity", checkRange(c.MaxCallsPerIdentity, 0, 1_000_000)},
		{"max-connections", checkRange(c.MaxConnections, 1, 1_000_000)},
		{"max-connections-per-address", checkRange(c.MaxConnectionsPerAddress, 0, 1_000_000)},
		{"max-streams-per-connection", checkRange(c.MaxStreamsPerConnection, 1, 10_000)},
		{"max-call-duration", checkRange(c.MaxCallDuration, 0, 30*24*time.Hour)},
	}
}

// together is about settings that exclude or need each other. Whether a server
// may listen where it is told to is decided in package cli: it takes the address.
func (c *Config) together(source func(key string) string) []mistake {
	var list []mistake
	add := func(wrong bool, key, format string, args ...any) {
		if wrong {
			list = append(list, mistake{key, fmt.Errorf(format, args...)})
		}
	}
	add(c.TLSCert != "" && c.TLSKey == "", "tls-cert", "its private key is missing: name it with tls-key")
	add(c.TLSKey != "" && c.TLSCert == "", "tls-key", "its certificate is missing: name it with tls-cert")
	add(c.Insecure && c.TLSCert+c.TLSKey+c.ClientCA != "", "insecure",
		"it speaks plain text, and a certificate is given: leave out either insecure or tls-cert, tls-key and client-ca")
	add(c.NoAuth && c.TokenKeys != "", "no-auth",
		"it asks nobody, and token-keys (from %s) asks everybody: leave out one of them", source("token-keys"))
	add(c.TokenKeys != "" && c.Audience == "", "audience", "tokens need one: give the name that they are made for")
	add(c.MaxCalls >= 1 && c.MaxConnections >= 1 && c.MaxConnections < c.MaxCalls, "max-connections",
		"%d connections cannot carry the %d calls of max-calls (from %s): a softphone has its own; raise it, or lower max-calls",
		c.MaxConnections, c.MaxCalls, source("max-calls"))
	return list
}

func checkAddress(a string) error {
	if _, port, err := net.SplitHostPort(a); err != nil || port == "" {
		return fmt.Errorf("%q is no address and port such as 127.0.0.1:50051", a)
	}
	return nil
}

// Choices are the settings that take one of two texts, and which.
func Choices() map[string][2]string {
	return map[string][2]string{"mode": {Loopback, Mix}, "log-format": {Text, JSON}}
}

func checkChoice(s string, of [2]string) error {
	if s != of[0] && s != of[1] {
		return fmt.Errorf("%q is neither %s nor %s", s, of[0], of[1])
	}
	return nil
}

func checkRange[T int | time.Duration](n, least, most T) error {
	if n < least || n > most {
		return errors.New(fmt.Sprint(n, " is outside ", least, " to ", most))
	}
	return nil
}
