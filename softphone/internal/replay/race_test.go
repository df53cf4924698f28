//go:build race

package replay_test

// lastSeed: the race detector makes a replay ten times slower, and finds
// nothing in more of them.
const lastSeed = 2
