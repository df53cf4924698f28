//go:build !linux && !race

package e2e

import (
	"errors"
	"testing"
)

// namespace is a network where packets can be dropped; there is none here.
type namespace struct{}

func newNamespace(*testing.T) (*namespace, error) {
	return nil, errors.New("there are no network namespaces on this system")
}

func (*namespace) do(func()) {}

func (*namespace) drop(int) error { return nil }

func (*namespace) dropped() (int, error) { return 0, nil }
