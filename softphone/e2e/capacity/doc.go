// Package capacity measures what a call costs the server beside what it would
// cost without the server's tricks, for `make bench-capacity`: one table from one
// run, on one machine, of alternating measurements.
//
// Its rows are of two kinds. Codec rows are rooms without a network: they run the
// benchmark of package room, of which naive decodes everyone and encodes for
// each. The others are calls over real gRPC on loopback that package swarm makes
// and verifies, to one server process after the other: the product's binary; a
// conference server as one would simply write it (naive_test.go); and a bare echo
// (bare_test.go), below which no echo over grpc-go can get. The last two are this
// test's own binary, run once more with other environment, with the server's
// settings of gRPC, sockets and memory.
//
// A leg costs any server less the more legs it has: what arrives while a thread is
// awake need not wake it. So rooms are measured twice: with as many legs as the naive
// server has, and with as many as put a like load on ours, which is what a capacity
// is about and what the bars are for.
//
// All figures are processor time of the server's process for 20 ms of one leg, in
// microseconds: user and system time from /proc or getrusage, never wall-clock
// time, so that what else runs on the machine counts as little as it can. A core
// holds 20,000 divided by that many legs if it does nothing else.
//
// CAPACITY_RUNS says how many times each is measured, CAPACITY_SECONDS for how
// long, CAPACITY_ROWS which rows (a regular expression, all if empty), and
// CAPACITY_JSON names a file for the figures. A measurement in which a call was
// wrong, or the server made less effort because it was late, is made again, and the
// table says where that did not help: this needs a machine that does little else.
// Without CAPACITY_RUNS the test makes one short run that proves the machinery and
// judges nothing.
//
// There is no code in it for the product, and none but tests: they read /proc
// and need an ordinary build on Linux.
package capacity
