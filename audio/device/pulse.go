package device

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// probeLimit is how long a local socket may take to be connected. A server that
// is frozen takes none: the kernel answers for it.
const probeLimit = time.Second

// pulseSocket returns the local socket of the PulseAudio server that libpulse
// most likely reached just now, "" if it is not known.
func pulseSocket(getenv func(string) string) string {
	for _, path := range pulseSockets(getenv) {
		if probe(path) == nil {
			return path
		}
	}
	return ""
}

// pulseSockets returns the local sockets that libpulse tries, in its order.
func pulseSockets(getenv func(string) string) []string {
	var paths []string
	if servers := getenv("PULSE_SERVER"); servers != "" {
		for server := range strings.FieldsSeq(servers) {
			if i := strings.IndexByte(server, '}'); i >= 0 && server[0] == '{' { // a machine's id
				server = server[i+1:]
			}
			path := strings.TrimPrefix(server, "unix:")
			if !filepath.IsAbs(path) {
				return nil // of the network: what comes after it may never be tried
			}
			paths = append(paths, path)
		}
		return paths
	}
	if dir := getenv("PULSE_RUNTIME_PATH"); dir != "" {
		paths = append(paths, filepath.Join(dir, "native"))
	}
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		paths = append(paths, filepath.Join(dir, "pulse", "native"))
	}
	return append(paths, filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "pulse", "native"), "/run/pulse/native")
}

// probe reports whether a server listens at a local socket.
func probe(path string) error {
	conn, err := net.DialTimeout("unix", path, probeLimit)
	if err != nil {
		return fmt.Errorf("%w: the sound server is not running (%s)", ErrNoBackend, clean(path, maxID))
	}
	return conn.Close()
}
