package device

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
)

func TestThePulseServersSocketIsWhereLibpulseLooks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		want []string // the first ones
	}{
		{"a socket that is named", map[string]string{"PULSE_SERVER": "unix:/a/native", "XDG_RUNTIME_DIR": "/x"}, []string{"/a/native"}},
		{"a list of this machine's", map[string]string{"PULSE_SERVER": "{0123}unix:/a /b"}, []string{"/a", "/b"}},
		{"a server of the network", map[string]string{"PULSE_SERVER": "tcp:host:4713", "XDG_RUNTIME_DIR": "/x"}, nil},
		{"the session's", map[string]string{"PULSE_RUNTIME_PATH": "/p", "XDG_RUNTIME_DIR": "/x"}, []string{"/p/native", "/x/pulse/native"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := pulseSockets(func(key string) string { return tt.env[key] })
			if len(got) < len(tt.want) || !slices.Equal(got[:len(tt.want)], tt.want) || tt.want == nil && got != nil {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestASocketWithoutAServerIsNoBackend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "native")
	if err := probe(path); !errors.Is(err, ErrNoBackend) {
		t.Errorf("no socket: %v", err)
	}
	lis, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(key string) string { return map[string]string{"PULSE_SERVER": path}[key] }
	if got := pulseSocket(getenv); got != path {
		t.Errorf("found %q, want %q", got, path)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	if got := pulseSocket(getenv); got != "" {
		t.Errorf("found %q after its end", got)
	}
}
