package config_test

import (
	"testing"
	"time"

	"callcenter/server/internal/admission"
	"callcenter/server/internal/config"
)

func TestEachLimitIsThatOfItsSetting(t *testing.T) {
	c := config.Config{
		MaxCalls: 1, MaxCallsPerAddress: 2, MaxCallsPerIdentity: 3,
		MaxConnections: 4, MaxConnectionsPerAddress: 5, MaxStreamsPerConnection: 6, MaxCallDuration: 7 * time.Hour,
	}
	want := admission.Limits{
		Calls: 1, CallsPerAddress: 2, CallsPerIdentity: 3,
		Connections: 4, ConnectionsPerAddress: 5, StreamsPerConnection: 6, CallDuration: 7 * time.Hour,
	}
	if got := c.Limits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
