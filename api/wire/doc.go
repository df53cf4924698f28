// Package wire is the contract's rules in code, once for both sides: what a
// stream's first chunk must say, what later chunks inherit, how a chunk becomes
// a packet of audio and back, how round trips are measured and when liveness or
// an acknowledgement is due. The softphone's call and the server's service call
// it; it knows neither.
//
// Texts from the other side go through Clean before a screen or a log.
//
// Values are for one goroutine unless they say otherwise. Times are readings of
// one audio.Clock; on the wire they are microseconds, and zero is absent.
package wire
