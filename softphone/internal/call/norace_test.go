//go:build !race

package call

const (
	// hintTalkers is how many made-up talkers the rule of the hint is tried with,
	// and hintSeeds how many variants of what is no speech.
	hintTalkers = 8
	hintSeeds   = 3
)
