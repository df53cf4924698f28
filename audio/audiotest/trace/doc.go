// Package trace makes arrivals of audio packets as a network model has them,
// and knows how other playout buffers did on them. Tests and benchmarks import
// it; audio/playlog says how well a buffer of ours did.
//
// The models (ms; the same seed gives the same trace everywhere):
//
//	clean  constant delay and a little gamma-distributed jitter
//	ge     packets lost in bursts, as on UDP (Gilbert and Elliott)
//	tcp    segments lost in bursts and sent again: a stall of 20 + 1.25 RTT or
//	       a retransmission timeout, doubled when that is lost too, then a burst
//	wifi   every 2.5 s or so the channel is gone for 60 to 250 ms
//	cell   delay wanders by up to 120 ms; every 20 s a stall of 300 to 900 ms
//	stall  two stalls of one length, at 10 and at 40 s
//	step   80 ms more delay in the middle third
//	drift  a sender's clock that is fast
//	dtx    speech of 1.2 s, announced silence of 1.8 s
//
// Frames are 20 ms. Everything here is for any goroutine.
package trace
