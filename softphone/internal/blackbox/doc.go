// Package blackbox keeps the last minute of a call in memory, writes it to a file
// when the operator asks for it, and reads such files: both legs as they were sent
// and received, what the ear's playout was told and did, and how the call looked
// each second. The phone owns a Recorder for each call and a Shelf for the files;
// `softphone open` uses Open.
//
// A Recorder is a call.Tape. Each leg has a ring of bytes that is made once, and a
// lock that is held for one copy: nothing allocates per frame, nothing waits for
// the disk. What is older than Keep goes, and more if a leg brings more bytes than
// its ring holds. Writing a file copies the rings in small parts between frames.
//
// A file is a zip archive, for its owner only. manifest.json names the format, its
// version and what each member is:
//
//	near.ogg, far.ogg    both legs, Ogg/Opus, or WAV (near.wav, far.wav) of a pcm call.
//	                     They begin together and play in step: what is missing is a gap
//	                     (RFC 7845, section 4.1), and a frame stands where its media
//	                     time says. The near one begins when it was said, the far one
//	                     when it could have been heard at the soonest.
//	frames.csv           each frame of both legs: times, marks, drops, round trip
//	ear.csv              each pull of the playout: kind, time scaling, delay, target
//	seconds.csv          the call second by second, as the screen showed it
//	stats.json           counters of the playout, second by second, and the report
//	arrivals.txt         the far leg as a trace, for softphone replay
//	play.txt             the play log on that trace's clock
//	ear.tape             all that the playout was told and asked, for Replay
//	ear.state            what the playout knew behind a part of that, see below
//	settings.toml        the settings, and where each came from
//	screen.txt           what the screen showed
//
// Nothing in it is secret but what was said: no token, no environment, no log.
//
// The tape is a row of records, each a length (2 bytes), a kind, the time at which
// it was made and what the kind needs; numbers are little-endian, times in ns on
// the call's clock. Replay does to a fresh playout what the tape says. For a call
// that lies on the tape as a whole this gives the same counters, on the same kind
// of processor with the same libopus. Where the tape begins in mid-call the ear's
// past is missing: what it had learned of the network, and what it held. So a
// Recorder keeps what the playout knows every few seconds, and a file the oldest of
// these that has enough of the tape before it for a decoder to be in the same state
// as well: from there on the counters are the same, and those are compared. A
// softphone whose playout knows other things cannot read that, and compares what a
// playout does that has warmed up for WarmUp; so does one whose call was too unquiet
// for a state. The Outcome says which it was.
//
// Reading trusts nothing: sizes, counts, names, times and packets are bounded and
// checked, and what is wrong is one sentence, an *Error.
//
// A Recorder's methods may be called from any goroutine, a Shelf writes one file at
// a time, a Box is for one goroutine. PCM is 48 kHz mono; times of a call are
// readings of its audio.Clock.
package blackbox

import "time"

const (
	// Keep is how much of a call is kept.
	Keep = 60 * time.Second
	// WarmUp is how long a replay that begins in mid-call without a state runs before
	// its counters are compared.
	WarmUp = 10 * time.Second
	// hearing is what a decoder must hear to know what another does that heard all:
	// its memory of energies fades by a tenth with each frame.
	hearing = 5 * time.Second
	// Files is how many files are kept.
	Files = 20
)
