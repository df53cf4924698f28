//go:build race

package call

// With the race detector, which finds nothing in a function without goroutines,
// there is less of it.
const (
	hintTalkers = 1
	hintSeeds   = 1
)
