package main

/*
#include <sys/prctl.h>

// It runs before the runtime starts its threads, which inherit the slack.
__attribute__((constructor)) static void relax_timers(void) {
	prctl(PR_SET_TIMERSLACK, 2000000UL, 0, 0, 0);
}
*/
import "C"

// Timers of this process may be late by two milliseconds. The runtime has a thread
// that looks, each 20 microseconds while anything goes on, whether somebody is
// stuck in a call into C; with the sound library's threads calling into Go all
// the time that is nearly always, and it took more processor time than anything
// else. No timer here needs to be that exact: audio is moved when the sound card
// says so, and threads of real-time priority have no slack.
