//go:build !race

package replay_test

// lastSeed is of the seeds from 2 on that the playout is tried with.
const lastSeed = 5
