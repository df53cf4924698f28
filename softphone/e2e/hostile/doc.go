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
// Attackers (attacks_test.go) need no call: they use connections as gRPC's own
// client never would, on sockets and frames of HTTP/2 (raw_test.go). Some are for
// servers that speak TLS and ask for tokens (secure_test.go). Their rates are
// what one computer on a network can have. They come from addresses of their own,
// 127.0.1.1 and following, where they are processes of their own; those have the
// least claim on the processors, since an attacker elsewhere would use none of
// them. Newcomers (newcomers_test.go) call meanwhile, and must be answered.
//
// The tests take less than half a minute and judge only what holds on a slow machine.
// Two drivers measure, and judge by bars, on a machine that does nothing else:
//
//	make bench-hostile    HOSTILE says how long each run lasts: five beside callers
//	                      who behave and five beside each kind, and five beside each
//	                      attack and five without it, in turn; medians, which for
//	                      attacks are judged by those of all runs without one.
//	                      HOSTILE_RUNS changes the five, HOSTILE_KINDS is a regular
//	                      expression of names, HOSTILE_JSON a file for all figures
//	                      of the attacks
//	make bench-load       LOAD says how long: 300 echo calls, 10 rooms of 10 and a
//	                      room of 100, each beside a bare grpc-go echo of as many
//	                      calls, half of the time before and half after
//
// There is no code in it for the product, and none but tests. The drivers start
// the server as a process of its own, read /proc and need an ordinary build on
// Linux.
package hostile
