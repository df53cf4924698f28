// Package jitter decides when audio that arrives unevenly is played: packets
// in, playout decisions out. It holds encoded packets, measures how late they
// come, derives the delay to aim at, and says for each 10 ms whether to play,
// slow down, hurry, conceal, be silent or jump. It decodes nothing and makes no
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
// Every 500 ms the largest lateness m = max(o - B) is entered into a history of
// 240 intervals (two minutes) whose weights fall by 0.983 each. Waiting T
// conceals max(0, m - T) of such an interval, so the expected concealed share is
//
//	f(T) = sum w m' / (500 ms * sum w),  m' = max(0, m - T)
//
// and the target is the T of a 5 ms grid that costs least:
//
//	J(T) = Id(F + n + T) + 100 s f(T)
//
// with Id the delay impairment of ITU-T G.107 (0.024 a ms, 0.134 above 177.3
// ms), F what the rest of the way takes, n the network's one way, and s = 3.8
// points of R a percent concealed. An interval with m above 450 ms is an outage
// that no buffer bridges and is entered as 0. Too few intervals are padded with
// 40 ms.
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
//	B   Buffer.base      p   the position that playout passes in
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
