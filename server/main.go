// Command server is the far end of softphone's calls: it runs headless, echoes
// callers, mixes them in rooms, or plays a test tone. See server --help.
package main

import (
	"os"

	"callcenter/server/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
