// Package jitter decides when audio that arrives unevenly is played: packets
// in, playout decisions out. It holds encoded packets, measures how late they
// come, derives the delay to aim at, and says for each 10 ms whether to play,
// slow down, hurry, stretch, conceal, be silent or jump. It decodes nothing and makes no
// sound: audio/playout does, and is its only caller.
//
// The transport is TCP, where nothing is lost and everything is late: packets
// come in order, in stalls and bursts. A gap in the sequence is a frame that a
// sender dropped on purpose.
//
// # Delay
//
// Packet i has the media time c(i) (capture clock) and the arrival a(i)
// (receiver's clock). Their difference o(i) = a(i) - c(i) has an arbitrary
// offset, and its minimum over the last 4 s is the base B, the fastest way
// through the network. A sample of media time p that plays at t has the playout
// delay D = t - (p + B): how much longer it waited than the fastest packet. A
// clock that drifts moves B by itself.
//
// # Target
//
// The target T is found by rehearsal: 79 imaginary buffers, one for each delay
// of a 5 ms grid, play the same arrivals, and T is the delay of the one that
// would have cost least of late, plus 4 ms. A buffer of delay D that aims at T
// meets a packet of lateness r = o - B like this:
//
//	r <= D             nothing, D falls towards T as fast as time scaling can
//	r > Y(D)           the packet is overdue: what is left lasts 0.4 longer
//	r > D + that       r - D - that is concealed, and D becomes r
//
// Y(D) is the lateness at which at least 0.4 of the packets that were as late
// came later than D. The cost of a buffer over time is
//
//	J = mean of Id(F + n + D) + 100 s (concealed time / time)
//
// with Id the delay impairment of ITU-T G.107 (0.024 a ms, 0.134 above 177.3
// ms), F what the rest of the way takes, n the network's one way, and s = 3.8
// points of R a percent concealed. What happened 40 s ago counts for a third;
// less than 4 s are padded with packets 40 ms late. A lateness above 450 ms is
// an outage that no buffer bridges and does not count.
//
// Stretching what is left when a packet is overdue is what Y. J. Liang, N.
// Faerber and B. Girod showed to buy the most ("Adaptive playout scheduling and
// loss concealment for voice communication over IP networks", IEEE Trans.
// Multimedia 5(4), 2003); that it begins only where the past says that the
// packet will be too late keeps a jittery network from being stretched for
// nothing. On traces of TCP with 2 % loss and 100 ms it takes the mean delay
// from 163 to 130 ms at the same concealment.
//
// # New clocks
//
// Another epoch, a media time that leaps or a sequence that begins anew is a new
// clock: B starts anew, the history and the target stay. Where the sequence goes
// on, what is held of the old clock plays until the new audio has waited for T,
// and there the two are cross-faded.
//
// # Symbols
//
//	B   estimator.base      p   the position that playout passes in
//	D   Buffer.Delay     T   Buffer.Target
//	e   D - T, positive: we are later than we need to be
//
// # Concurrency and units
//
// A Buffer is for one goroutine at a time; audio/playout holds the lock. Media
// positions and lengths are samples at 48 kHz, times are readings of one
// audio.Clock. Nothing allocates once the slots have grown to the packets'
// sizes.
package jitter
