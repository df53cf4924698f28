// Package cli is the softphone's command line: flags to settings, settings to a
// phone, its outcome to an exit code. main calls Run, once.
//
// Exit codes: 0, done; 1, the call or command failed; 2, wrong usage.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"callcenter/api/settings"
	"callcenter/codec"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/history"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/recall"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is an error in what was typed or configured.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// reportedError is an error that the command has told already.
type reportedError struct{ error }

func (e reportedError) Unwrap() error { return e.error }

// program is what every command shares.
type program struct {
	cfg            config.Config
	stdout, stderr io.Writer

	// Of newPhone:
	store   *recall.Store
	choices *choices
	history *history.Store
	past    *history.Finder // nil: there is no history
	ends    endpoints
	codec   codec.Codec
	access  *phone.Access
}

// Run executes the command line and returns the exit code. SIGINT and SIGTERM
// end what runs; a second one ends the process.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// After the first signal the next has its usual effect.
	defer context.AfterFunc(ctx, stop)()

	p := &program{stdout: stdout, stderr: stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	err := root.ExecuteContext(ctx)
	var (
		usage    usageError
		reported reportedError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &reported):
	default:
		_, _ = fmt.Fprintf(stderr, "softphone: %v\n", err)
	}
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// Command is the command line without anything to run it, for manuals.
func Command() *cobra.Command {
	return (&program{stdout: io.Discard, stderr: io.Discard}).root()
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "softphone",
		Short: "An operator's telephone for the terminal",
		Long: "Softphone calls a call-centre server with the microphone and headset of this machine.\n" +
			"Without a command it opens the operator's screen; ? there explains the keys. With --plain it\n" +
			"prints what happens and takes typed commands instead; help there explains them.",
		Version:       settings.Version(),
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return p.desk(cmd) },
	}
	root.SetOut(p.stdout) // before the command completion is made, which keeps it
	root.SetErr(p.stderr)
	p.cfg.Flags(root.PersistentFlags())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help lists the flags)", settings.FlagError(cmd.Flags(), err), cmd.CommandPath())}
	})
	root.AddCommand(p.call(), p.calls(), p.check(), p.config(), p.devices(), p.open(), p.replay(), p.swarm(), p.trust(), p.watch())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	p.complete(root)
	checkUsage(root)
	root.SuggestionsMinimumDistance = 2 // edits from what was typed to a command
	return root
}

// checkUsage makes wrong arguments of cmd, and of all commands below it, wrong
// usage.
func checkUsage(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		checkUsage(c)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		text := strings.ReplaceAll(err.Error(), "\n", " ")
		if strings.HasPrefix(text, "accepts ") { // cobra counts, and does not say of what
			text += ", the usage is: " + cmd.UseLine()
		}
		return usageError{fmt.Errorf("%s (%s --help explains)", text, cmd.CommandPath())}
	}
}

// knownCommand refuses what is no command, naming the nearest.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("unknown command %.32q: did you mean %s?", args[0], near[0])
	}
	return fmt.Errorf("unknown command %.32q", args[0])
}

// load settles the settings for cmd.
func (p *program) load(cmd *cobra.Command, skip ...string) error {
	if err := p.cfg.Load(cmd.Flags(), skip...); err != nil {
		return usageError{err}
	}
	return nil
}
