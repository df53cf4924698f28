// Softphone is an operator's telephone for the terminal. Without a command it
// shows its screen; `softphone call` makes one call without it.
package main

import (
	"os"
	"runtime/debug"

	"callcenter/softphone/internal/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// Collections stop the world a little; audio would rather have fewer.
		debug.SetGCPercent(400)
	}
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
