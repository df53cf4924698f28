package call_test

import (
	"testing"
	"testing/synctest"
)

func TestTheServerSaysWhatItWasBuiltFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		defer v.end(t)
		synctest.Wait()
		if got := v.snapshot().Link.Version; got != "servertest" {
			t.Errorf("the server is said to be %q", got)
		}
	})
}
