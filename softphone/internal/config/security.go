package config

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"callcenter/softphone/internal/bearer"
)

// tokenFile is the setting that names the token's file.
const tokenFile = "token-file"

// securityFlags binds the settings of who a server and this softphone are.
func (c *Config) securityFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.TLS, "tls", auto, "speak to servers encrypted: `auto` (all but those on this computer), on, or off, where whoever is in between hears every call")
	fs.StringVar(&c.CA, "ca", "", "PEM `file` of those who sign servers' certificates, alone (default: the system's, or the server's key as first met, see softphone trust)")
	fs.StringVar(&c.TLSCert, "tls-cert", "", "PEM `file` with this softphone's certificate, for servers that ask for one")
	fs.StringVar(&c.TLSKey, "tls-key", "", "PEM `file` with the private key of --tls-cert")
	fs.StringVar(&c.TokenFile, tokenFile, "", "`file` with the token that lets you call, read anew for each connection (or the token itself in $"+bearer.Variable+")")
}

func (c *Config) checkSecurity() error {
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return errors.New("tls-cert has no tls-key: name the file of its private key with --tls-key")
	case c.TLSKey != "" && c.TLSCert == "":
		return errors.New("tls-key has no tls-cert: name the file of its certificate with --tls-cert")
	case bearer.Is(c.TokenFile):
		return errors.New("token-file is a token and not a file, and others could have seen it: ask for another one, put that into a file and name the file")
	}
	return nil
}

// Token is where the operator's token is: in the file that a flag names, or in the
// environment, or in the file that the environment or the settings file names.
func (c *Config) Token() bearer.Source {
	value := os.Getenv(bearer.Variable)
	if c.TokenFile != "" && (value == "" || strings.HasPrefix(c.source(tokenFile), "flag ")) {
		return bearer.File(c.TokenFile)
	}
	return bearer.Value(value)
}
