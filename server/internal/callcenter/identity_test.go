package callcenter_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"callcenter/server/internal/admission"
	"callcenter/server/servertest"
)

// boundDoor is a door with a gate.
func boundDoor(t *testing.T, l admission.Limits) *door {
	t.Helper()
	d := &door{tb: t, keys: servertest.NewKeys(t), log: &logs{}}
	d.Server = servertest.Start(t, servertest.Options{Keys: d.keys, Log: d.log.logger(), Gate: admission.New(l)})
	return d
}

func TestABearerHasItsCallsAndNoMore(t *testing.T) {
	t.Parallel()
	d := boundDoor(t, admission.Limits{CallsPerIdentity: 2})
	anna, ben := d.keys.Token("anna", servertest.Everything()), d.keys.Token("ben", servertest.Everything())
	again := d.keys.Token("anna", servertest.Everything()) // another token is no other bearer
	one, _ := d.call(anna, first("1", "echo"))
	d.call(again, first("2", "echo"))
	if st := d.refused(anna, first("3", "echo")); st.Code() != codes.ResourceExhausted ||
		!strings.Contains(st.Message(), "bearer has 2 calls") || retryAfter(st) == 0 {
		t.Errorf("a third call of anna's: %v", st)
	}
	d.call(ben, first("4", "echo"))
	one.hangUp()
	d.call(again, first("3", "echo"))
}

func TestTokensThatNobodySignedAreTriedSlowly(t *testing.T) {
	onStreetWith(t, servertest.NewKeys(t), admission.Limits{CallsPerAddress: 20, ConnectionsPerAddress: 60}, func(s *street) {
		tries := 0
		for {
			st := s.dialFrom("10.0.0.1", first("x", "echo")).end()
			if st.Code() == codes.ResourceExhausted {
				break
			}
			if tries++; st.Code() != codes.Unauthenticated {
				t.Fatalf("try %d: %v", tries, st)
			}
		}
		if tries != 11 { // of 120 streams that it may open at once
			t.Errorf("%d were tried, want 11", tries)
		}
		if st := s.dialFrom("10.0.0.2", first("x", "echo")).end(); st.Code() != codes.Unauthenticated {
			t.Errorf("from elsewhere: %v", st)
		}
	})
}
