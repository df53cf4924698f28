// Package cli is the server's command line: settings, the listening socket, who
// may come in and how, the log, signals and the service manager, around package
// callcenter; and the commands that check settings and make tokens. main calls Main
// and nothing else does.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"callcenter/api/settings"
	"callcenter/server/internal/config"
)

// The exit codes. Service managers rely on them: with exitUsage another start
// will fare no better.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// exitCodes are those codes, for people.
const exitCodes = `Exit codes:
  0  an orderly end: a signal came, and every call has ended
  1  it failed (the address is in use), or a second signal cut calls short
  2  wrong usage, or settings that no server can have: change them before another start`

// moreSignals is how many signals may wait while settings are read again.
const moreSignals = 16

// gcPercent trades memory for fewer collections: a stream's garbage is small
// and steady.
const gcPercent = 400

// usageError marks what the person at the command line got wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// reportedError marks what was told already.
type reportedError struct{ error }

func (e reportedError) Unwrap() error { return e.error }

// Main runs the server with the command line's arguments until SIGTERM or
// SIGINT, and returns the exit code: 0 after an orderly end, 1 when it failed
// or a second signal cut it short, 2 for wrong usage. SIGHUP makes it read its
// settings again.
func Main(args []string, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, moreSignals)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	defer signal.Stop(signals)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// A crash ends with a signal. Otherwise it would have exit code 2, and a service
	// manager that knows our codes would not start the server again.
	debug.SetTraceback("crash")
	return run(args, stdout, stderr, signals)
}

// run is Main with the signals given.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	cmd := command(stderr, signals)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	asked, err := cmd.ExecuteC()
	if err == nil {
		return exitOK
	}
	code, more := exitFailed, ""
	if usage := (usageError{}); errors.As(err, &usage) {
		code, more = exitUsage, " ("+asked.CommandPath()+" --help explains)"
	}
	if !errors.As(err, &reportedError{}) {
		complain(stderr, err, more)
	}
	return code
}

// complain tells an error, each of its lines as one of the program's.
func complain(stderr io.Writer, err error, more string) {
	for line := range strings.SplitSeq(err.Error()+more, "\n") {
		_, _ = fmt.Fprintf(stderr, "server: %s\n", line) // nobody to tell
	}
}

func command(stderr io.Writer, signals <-chan os.Signal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Take calls from softphones: echo them, mix them in rooms, or play a tone",
		Long: "Take calls from softphones over gRPC: echo them, mix them in rooms, or play a tone.\n\n" +
			"Every setting is a flag, an environment variable (SERVER_DRAIN_TIMEOUT) and a key of\n" +
			"the --config file (drain-timeout); the first of these that says something wins.\n" +
			"SIGTERM and SIGINT let the calls end, a second one cuts them off; SIGHUP reads the\n" +
			"settings, certificates and keys again and drops no call.\n\n" + exitCodes,
		Version:       settings.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), cmd.Flags(), stderr, signals)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{settings.FlagError(cmd.Flags(), err)}
	})
	cmd.SetVersionTemplate("server {{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SuggestionsMinimumDistance = 2
	addSettings(cmd)
	cmd.AddCommand(checkConfigCommand(), tokenCommand())
	return cmd
}

// addSettings makes the settings flags of a command.
func addSettings(cmd *cobra.Command) {
	config.Flags(cmd.Flags())
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	for name, values := range config.Choices() {
		// It fails for a flag that is not there, which a test would show.
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values[:], cobra.ShellCompDirectiveNoFileComp))
	}
}

// noArguments refuses arguments. No more than their beginning is said: one may be a
// token.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = ": did you mean " + cmd.CommandPath() + " " + near[0] + "?"
	}
	return usageError{fmt.Errorf("unexpected argument %.20q%s", args[0], hint)}
}

// Command is the command line without anything to run it, for manuals.
func Command() *cobra.Command { return command(io.Discard, nil) }
