// Package audiotest is a laboratory for the playout path: signals with known
// properties, a network that is a list of arrivals, a codec that is PCM, a sound
// card whose clock a test turns by hand, and the instruments to judge what came
// out. Only tests import it.
//
// Everything is deterministic for a seed and runs as fast as the machine can:
// no time passes. PCM is 48 kHz mono, lengths are samples, times are readings
// of one virtual clock that begins at zero.
package audiotest
