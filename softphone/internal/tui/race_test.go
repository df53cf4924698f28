//go:build race

package tui

// With the race detector, which has little to find here, there is less of it.
const (
	sizeStep   = 9
	randomKeys = 2_000
)
