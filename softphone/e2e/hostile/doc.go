// Package hostile shows what well-behaved calls get of a server that is loaded,
// and of one that hostile callers share with them. The well-behaved calls are a
// swarm (package swarm), which verifies what it hears and measures its delay.
//
// Hostile callers (callers_test.go) are members of the swarm's rooms, and make
// echo calls beside its own. One kind stops reading for two seconds again and
// again; one sends a thousand messages a second; one sends random bytes as audio,
// with absurd times, sequences, levels, acknowledgements and reports; one leaves
// in the middle of a word, in every way there is, and comes back at once.
//
// The tests run in a few seconds and judge only what holds on a slow machine.
// Two drivers measure, and judge by bars, on a machine that does nothing else:
//
//	make bench-hostile    HOSTILE says how long each run lasts: five beside callers
//	                      who behave, and five beside each kind, in turn; medians
//	make bench-load       LOAD says how long: 300 echo calls, 10 rooms of 10 and a
//	                      room of 100, each beside a bare grpc-go echo of as many
//	                      calls, half of the time before and half after
//
// There is no code in it for the product, and none but tests. The drivers start
// the server as a process of its own, read /proc and need an ordinary build on
// Linux.
package hostile
