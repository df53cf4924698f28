package trust

import (
	"slices"
	"strings"
	"testing"
)

func FuzzKnownServersOfAnyForm(f *testing.F) {
	key := "SHA256:" + strings.Repeat("A", 43)
	f.Add([]byte(intro + "a:1 " + key + " 2026-11-26T12:00:00Z\n"))
	f.Add([]byte("[::1]:1 " + authorities + " 2026-11-26T12:00:00+01:00\r\n\x00\n a:1"))
	f.Add([]byte("a:1 " + key + " 2026-11-26T12:00:00Z\na:1 " + key + " 2026-11-26T12:00:00Z"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, bad := parse(raw)
		if bad < 0 || len(list) > MaxServers {
			t.Fatalf("%d servers, %d lines that are no use", len(list), bad)
		}
		again, bad := parse(render(list))
		same := func(a, b Server) bool { return a.Address == b.Address && a.Mark == b.Mark && a.Since.Equal(b.Since) }
		if bad != 0 || !slices.EqualFunc(list, again, same) {
			t.Fatalf("%v became %v, with %d lines that are no use", list, again, bad)
		}
	})
}
