//go:build race

package resample_test

// countSeconds is less under the race detector, which is 15 times slower here.
const countSeconds = 1
