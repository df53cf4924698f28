// Package config are the server's settings: what may be set, the defaults, the
// checks, and what changes when they are read again. Package cli calls it before
// anything runs, and for each reload; it keeps no state.
package config

import (
	"time"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/callcenter"
	"callcenter/server/internal/room"
)

// EnvPrefix begins the names of the server's environment variables.
const EnvPrefix = "SERVER_"

// The modes: what a call gets that names no destination.
const (
	Loopback = "loopback" // its own voice
	Mix      = "mix"      // the lobby, a conference
)

// The formats of the log.
const (
	Text = "text"
	JSON = "json"
)

// Config are the server's settings.
type Config struct {
	Listen       string        `koanf:"listen"`
	Mode         string        `koanf:"mode"`
	LogFormat    string        `koanf:"log-format"`
	DrainTimeout time.Duration `koanf:"drain-timeout"`
	MaxCalls     int           `koanf:"max-calls"`
	Speakers     int           `koanf:"speakers"`
	LevelControl bool          `koanf:"level-control"`

	// Who may come in.
	TLSCert   string `koanf:"tls-cert"`
	TLSKey    string `koanf:"tls-key"`
	ClientCA  string `koanf:"client-ca"`
	Insecure  bool   `koanf:"insecure"`
	StateDir  string `koanf:"state-dir"`
	TokenKeys string `koanf:"token-keys"`
	Audience  string `koanf:"audience"`
	NoAuth    bool   `koanf:"no-auth"`

	// How much of it.
	MaxCallsPerAddress       int           `koanf:"max-calls-per-address"`
	MaxCallsPerIdentity      int           `koanf:"max-calls-per-identity"`
	MaxConnections           int           `koanf:"max-connections"`
	MaxConnectionsPerAddress int           `koanf:"max-connections-per-address"`
	MaxStreamsPerConnection  int           `koanf:"max-streams-per-connection"`
	MaxCallDuration          time.Duration `koanf:"max-call-duration"`
}

// Default returns the settings of a server that nobody configured.
func Default() Config {
	return Config{
		Listen:       "127.0.0.1:50051",
		Mode:         Loopback,
		LogFormat:    Text,
		DrainTimeout: 5 * time.Second,
		MaxCalls:     callcenter.DefaultMaxCalls,
		Speakers:     room.DefaultSpeakers,
		Audience:     "callcenter",

		MaxCallsPerAddress:       500,
		MaxCallsPerIdentity:      4,
		MaxConnections:           4000,
		MaxConnectionsPerAddress: 1000,
		MaxStreamsPerConnection:  admission.DefaultStreamsPerConnection,
		MaxCallDuration:          12 * time.Hour,
	}
}

// Flags adds the settings, with their defaults, to a command's flags.
func Flags(fs *pflag.FlagSet) {
	d := Default()
	fs.String("listen", d.Listen, "address and port to take calls on; port 0 picks a free one")
	fs.String("mode", d.Mode, "what a call without a destination gets: loopback (its own voice) or mix (room/lobby)")
	fs.String("log-format", d.LogFormat, "log as text or json, to standard error")
	fs.Duration("drain-timeout", d.DrainTimeout, "how long calls may go on after SIGTERM or SIGINT")
	fs.Int("max-calls", d.MaxCalls, "how many calls to take at a time")
	fs.Int("speakers", d.Speakers, "how many are heard at a time in a room: the loudest who talk")
	fs.Bool("level-control", d.LevelControl, "bring all who are heard in a room slowly to the same loudness")
	fs.String("tls-cert", d.TLSCert, "certificate chain, PEM `file`; read again when it changes")
	fs.String("tls-key", d.TLSKey, "private key of --tls-cert, PEM `file`")
	fs.String("client-ca", d.ClientCA, "PEM `file` of those who sign softphones' certificates; who has none is refused")
	fs.Bool("insecure", d.Insecure, "speak plain text to the network: whoever is in between hears every call")
	fs.String("state-dir", d.StateDir, "`folder` for the certificate that the server makes itself (default $STATE_DIRECTORY, or callcenter in $XDG_STATE_HOME)")
	fs.String("token-keys", d.TokenKeys, "`folder` of the keys that sign callers' tokens; without one nobody is asked who they are")
	fs.String("audience", d.Audience, "who tokens must be made for: this server's `name` in them")
	fs.Bool("no-auth", d.NoAuth, "let everybody in who reaches the address, also off loopback")
	fs.Int("max-calls-per-address", d.MaxCallsPerAddress, "how many calls to take from one address at a time; 0: as many as --max-calls")
	fs.Int("max-calls-per-identity", d.MaxCallsPerIdentity, "how many calls to take with tokens of one subject at a time; 0: as many as --max-calls")
	fs.Int("max-connections", d.MaxConnections, "how many connections to take at a time")
	fs.Int("max-connections-per-address", d.MaxConnectionsPerAddress, "how many connections to take from one address at a time; 0: as many as --max-connections")
	fs.Int("max-streams-per-connection", d.MaxStreamsPerConnection, "how many calls one connection may carry at a time")
	fs.Duration("max-call-duration", d.MaxCallDuration, "how long a call may last; 0: as long as it likes")
	fs.String(settings.ConfigFlag, "", "TOML file with settings, whose keys are these flags' names")
}

func options(fs *pflag.FlagSet) settings.Options {
	file, required := settings.File(fs, EnvPrefix, "")
	return settings.Options{EnvPrefix: EnvPrefix, File: file, FileRequired: required}
}

// Destination is that of calls that name none.
func (c *Config) Destination() string {
	if c.Mode == Mix {
		return room.Lobby
	}
	return room.Echo
}
