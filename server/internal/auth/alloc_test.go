//go:build !race

package auth

import "testing"

func TestALookAtWhatWasRevokedAllocatesNothing(t *testing.T) {
	d := newDesk(t)
	_, id := d.token("ada")
	if n := testing.AllocsPerRun(1000, func() { d.Revoked(id) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
