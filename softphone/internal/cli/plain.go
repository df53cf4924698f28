package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"callcenter/softphone/internal/plain"
	"callcenter/softphone/internal/terminal"
)

// lineMode runs the line mode until it is left, at a terminal or for a script.
func (p *program) lineMode(cmd *cobra.Command) error {
	log, err := openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.close() }()
	ph, err := p.deskPhone(cmd, log)
	if err != nil {
		return err
	}
	restore, err := log.takeStderr()
	if err != nil {
		return err
	}
	// A reader that goes away is an error of a write, after which a call is hung up
	// in order.
	signal.Ignore(syscall.SIGPIPE)
	err = p.runDesk(cmd.Context(), ph, log, func(ctx context.Context, parts deskParts) error {
		return safely(func() error {
			return plain.Run(ctx, ph, plain.Options{
				Destination: p.cfg.Dest, ASCII: p.cfg.ASCII,
				Bench: parts.bench, Check: parts.check, History: parts.history,
				Input: cmd.InOrStdin(), Output: p.stdout, Terminal: isatty.IsTerminal(os.Stdin.Fd()),
			})
		})
	})
	return errors.Join(err, restore())
}

// takeStderr makes what is printed to stderr go to the log, where that would come
// between the sentences on a terminal. The function that it returns undoes it.
func (l *logFile) takeStderr() (restore func() error, err error) {
	if !isatty.IsTerminal(os.Stderr.Fd()) {
		return func() error { return nil }, nil
	}
	f, err := l.openStderr()
	if err != nil {
		return nil, err
	}
	undo, err := terminal.RedirectStderr(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { return errors.Join(undo(), f.Close()) }, nil
}
