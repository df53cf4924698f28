package config

import "callcenter/server/internal/admission"

// Limits are the settings that bound what the server takes on.
func (c *Config) Limits() admission.Limits {
	return admission.Limits{
		Calls:                 c.MaxCalls,
		CallsPerAddress:       c.MaxCallsPerAddress,
		CallsPerIdentity:      c.MaxCallsPerIdentity,
		Connections:           c.MaxConnections,
		ConnectionsPerAddress: c.MaxConnectionsPerAddress,
		StreamsPerConnection:  c.MaxStreamsPerConnection,
		CallDuration:          c.MaxCallDuration,
	}
}
