// Package desk measures what the whole softphone costs the operator's computer,
// for `make bench-desk`: processor time and memory in one table from one run, of
// alternating measurements on one private PulseAudio whose microphone hears
// speech.
//
//	bare pair          a capture and a playback device with one copy between them:
//	                   below that no telephone can get. It opens them through package
//	                   device, with the softphone's period and its slack of timers.
//	softphone call     a call to echo without a screen
//	softphone 80x24    the same from the screen, in a pseudo-terminal, with the
//	softphone 120x40   process that watches over the terminal
//	softphone idle     the screen without a call; nothing may be drawn
//	Mumble             Debian's client, without a display, in a channel with one more
//	                   that talks; it transmits all the time
//
// Processor time is user and system time of a process and of all below it, from
// /proc, in seconds a minute; memory is what is resident, what of it is the
// process's share where it is shared, and what is private. What drawing costs is
// the difference between the screen and the call without one. Every call is heard
// before it is measured: the speech comes back to the earpiece.
//
// DESK_RUNS says how many times each is measured, DESK_SECONDS for how long,
// DESK_ROWS which rows (a regular expression, all if empty), and DESK_JSON names a
// file for the figures. Mumble's row says so where mumble, mumble-server, openssl
// or sqlite3 is not installed. Without DESK_RUNS the test makes one short run of
// our own rows that proves the machinery and judges nothing but that an idle screen
// writes nothing.
//
// There is no code in it for the product, and none but tests: they read /proc
// and need an ordinary build on Linux.
package desk
