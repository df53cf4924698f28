//go:build race

package check_test

// underRace says that the race detector looks on, which takes its time.
const underRace = true
