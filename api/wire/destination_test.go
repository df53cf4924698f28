package wire_test

import (
	"strings"
	"testing"

	"callcenter/api/wire"
)

func TestDestinationsAreChecked(t *testing.T) {
	for destination, ok := range map[string]bool{
		"echo": true, "tone": true, "room/desk": true, "room/a-b_c.9": true, "room/" + strings.Repeat("x", 64): true,
		"": false, "Echo": false, "room": false, "room/": false, "room/Desk": false, "room/a/b": false, "room/a\n": false,
		"room/" + strings.Repeat("x", 65): false, "echo\t": false, "\x1b[2J": false,
	} {
		if err := wire.CheckDestination(destination); (err == nil) != ok {
			t.Errorf("%q: %v", destination, err)
		} else if err != nil && (!strings.Contains(err.Error(), "room/NAME") || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%q: %v", destination, err)
		}
	}
}
