package auth

import "testing"

// BenchmarkAuthenticate is what a call's beginning costs.
func BenchmarkAuthenticate(b *testing.B) {
	d := newDesk(b)
	token, _ := d.token("ada")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Authenticate(token, when); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRevoked is what a running call costs, twice a second.
func BenchmarkRevoked(b *testing.B) {
	d := newDesk(b)
	_, id := d.token("ada")
	b.ReportAllocs()
	for b.Loop() {
		if d.Revoked(id) {
			b.Fatal("it is revoked")
		}
	}
}
