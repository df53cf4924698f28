// Softphone is an operator's telephone for the terminal. Without a command it
// shows its screen; `softphone call` makes one call without it.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"callcenter/softphone/internal/cli"
)

// soundThreads is how many threads of the sound library call into Go: one for
// each end of a call. Between two callbacks each keeps one of the scheduler's
// processors, and what it woke stays in that one's queue. On a computer with two
// of them nobody was left to run the ear: it starved for 16 ms several times a
// minute, and the earpiece ran dry. So there is one more for each.
const soundThreads = 2

func main() {
	if os.Getenv("GOGC") == "" {
		// Collections stop the world a little; audio would rather have fewer.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.NumCPU() + soundThreads)
	}
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
