// Package faults shows that calls outlive their link: whole softphones talk
// through a server that is a process of its own, on loopback, while connections
// are cut, reset and paused and the server is stopped, killed and crashed. The
// faults come one by one, each with its sound judged (links_test.go), and all
// along many calls at a time (soak_test.go). FAULTS says how often each fault
// comes and SOAK how long the many calls last; `make soak` runs both in full.
//
// There is no code in it for the product, and none but tests: they read /proc,
// measure times and need an ordinary build on Linux.
package faults
