package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"callcenter/server/servertest"
)

func TestASwarmReportsInJSONAndExitsByItsVerdict(t *testing.T) {
	s := servertest.Start(t, servertest.Options{MaxCalls: 3})
	for _, tc := range []struct {
		calls      string
		code, held int
		want       string
	}{
		{"3", 0, 3, ""},
		{"4", 1, 3, "refused 1 with ResourceExhausted"},
	} {
		o := softphone(t, "swarm", "--server", s.Addr, "--calls", tc.calls, "--duration", "200ms", "--ramp", "0s", "--codec", "pcm", "--json")
		var r struct {
			Held     int
			Verified uint64
			Failures uint64 `json:"verification_failures"`
			Error    string
		}
		if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
			t.Fatalf("no JSON object: %v\n%s%s", err, o.stdout, o.stderr)
		}
		if o.code != tc.code || r.Held != tc.held || r.Verified == 0 || r.Failures != 0 || !strings.Contains(r.Error, tc.want) {
			t.Errorf("%s calls: exit code %d, %+v", tc.calls, o.code, r)
		}
	}
}

func TestWrongUseOfASwarmIsExplained(t *testing.T) {
	for want, args := range map[string][]string{
		"calls 0: use 1 to 10000":      {},
		"calls echo or room/NAME":      {"--calls", "1", "--dest", "tone"},
		"an echo has none":             {"--calls", "2", "--rooms", "2"},
		"streams-per-conn 0":           {"--calls", "1", "--streams-per-conn", "0"},
		"frame 15ms: use 10ms or 20ms": {"--calls", "1", "--frame", "15ms"},
	} {
		o := softphone(t, append([]string{"swarm"}, args...)...)
		if o.code != 2 || !strings.Contains(o.stderr, want) {
			t.Errorf("%q: exit code %d, %q", args, o.code, o.stderr)
		}
	}
}
