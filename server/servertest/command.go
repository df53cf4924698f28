package servertest

import (
	"github.com/spf13/cobra"

	"callcenter/server/internal/cli"
)

// Command is the server's command line without anything to run it, for those who
// describe it.
func Command() *cobra.Command { return cli.Command() }
