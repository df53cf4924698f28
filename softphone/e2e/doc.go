// Package e2e tests the product as a user meets it: the two binaries, real gRPC
// on loopback, also through a link that stalls and loses packets, WAV files, a
// private PulseAudio, a pseudo-terminal. It also holds
// the layer test. There is no code in it for the product.
package e2e
