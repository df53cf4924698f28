//go:build !race

package resample_test

// countSeconds is for how long samples are counted.
const countSeconds = 10
