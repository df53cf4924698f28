//go:build !race

package tui

const (
	sizeStep = 1
	// randomKeys is how many keys the random operator presses.
	randomKeys = 10_000
)
