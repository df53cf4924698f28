package e2e

import (
	"strings"
	"testing"
)

// attempts is how often a test that listens may call: a machine that holds the
// programs up makes holes that are not theirs. A fault of theirs is there each
// time.
const attempts = 3

// eventually makes calls until one has nothing to complain of.
func eventually(t *testing.T, attempt func(t *testing.T) []string) {
	t.Helper()
	var wrong []string
	for i := range attempts {
		if wrong = attempt(t); len(wrong) == 0 {
			return
		}
		t.Logf("call %d: %s", i+1, strings.Join(wrong, "; "))
	}
	t.Errorf("no call of %d was right, the last: %s", attempts, strings.Join(wrong, "; "))
}
