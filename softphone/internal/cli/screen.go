package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"callcenter/softphone/internal/audition"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/terminal"
	"callcenter/softphone/internal/tui"
)

// desk runs the operator's desk until it is left: the screen, or the line mode.
func (p *program) desk(cmd *cobra.Command) error {
	if err := p.load(cmd); err != nil {
		return err
	}
	if p.cfg.Plain {
		return p.lineMode(cmd)
	}
	return p.screen(cmd)
}

// screen runs the operator's screen until it is left.
func (p *program) screen(cmd *cobra.Command) error {
	if !isatty.IsTerminal(os.Stdin.Fd()) || !isatty.IsTerminal(os.Stdout.Fd()) {
		return usageError{errors.New("the screen needs a terminal: use --plain or `softphone call` where there is none")}
	}
	if os.Getenv("TERM") == "dumb" {
		return usageError{errors.New("the screen needs a terminal that can move its cursor, and this one is dumb: use --plain")}
	}
	log, err := openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.close() }()
	ph, err := p.deskPhone(cmd, log)
	if err != nil {
		return err
	}
	restore, err := p.protect(log)
	if err != nil {
		return err
	}
	err = p.runDesk(cmd.Context(), ph, log, func(ctx context.Context, parts deskParts) error {
		err := tui.Run(ctx, ph, tui.Options{
			Destination: p.cfg.Dest, ASCII: p.cfg.ASCII,
			Bench: parts.bench, Check: parts.check, History: parts.history,
		})
		var broken *tui.PanicError
		if errors.As(err, &broken) {
			log.Error("screen panicked", "value", broken.Value, "stack", string(broken.Stack))
			return fmt.Errorf("%w: the stack is in %s", err, log.path)
		}
		return err
	})
	return errors.Join(err, restore())
}

// protect starts the terminal's watcher and takes stderr away from it.
func (p *program) protect(log *logFile) (restore func() error, err error) {
	f, err := log.openStderr()
	if err != nil {
		return nil, err
	}
	guard, err := terminal.Protect(f.Name(), withoutToken(os.Environ()))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	undo, err := terminal.RedirectStderr(f)
	if err != nil {
		return nil, errors.Join(err, guard.Release(), f.Close())
	}
	return func() error { return errors.Join(undo(), guard.Release(), f.Close()) }, nil
}

// deskPhone returns the phone of a desk, which keeps more than that of one call.
func (p *program) deskPhone(cmd *cobra.Command, log *logFile) (*phone.Phone, error) {
	keep, err := p.keepBoxes(cmd)
	if err != nil {
		return nil, err
	}
	return p.newPhone(log.Logger, p.remember, keep)
}

// remember makes the operator's phone keep what the next run should know.
func (p *program) remember(c *phone.Config) {
	c.Gains, c.OnGains = p.gains(p.store), p.store.SetGains
}

// deskParts are what a desk sees besides the phone.
type deskParts struct {
	bench   desk.Bench
	check   desk.Check
	history desk.History // nil: there is none
}

// deskGCPercent is the garbage collector's while black boxes are kept: what they
// hold is live all through a call, and of 400 percent of it a desk grew by a third,
// beyond Mumble's client. It collects every 5 s in a call instead.
const deskGCPercent = 100

// runDesk runs the phone and what a desk sees of it, until run, which is the desk
// itself, returns.
func (p *program) runDesk(ctx context.Context, ph *phone.Phone, log *logFile, run func(context.Context, deskParts) error) error {
	if p.cfg.BlackBox && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(deskGCPercent)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	kept := p.keep(ctx, ph.Say)
	g.Go(func() error {
		defer kept() // once the last call has ended
		return safely(func() error { return ph.Run(ctx) })
	})
	g.Go(func() error {
		return safely(func() error { greet(ctx, ph, p); return nil })
	})
	g.Go(func() error { return safely(func() error { return p.store.Run(ctx, ph.Say) }) })
	if p.past != nil {
		g.Go(func() error { return safely(func() error { return p.past.Run(ctx) }) })
	}
	bench := audition.New(audition.Config{Phone: ph, Choices: p.choices, Ceiling: p.cfg.EarCeiling, Log: log.Logger})
	g.Go(func() error { return safely(func() error { return bench.Run(ctx) }) })
	check := p.newCheck(ph, log.Logger)
	g.Go(func() error { return safely(func() error { return check.Run(ctx) }) })
	g.Go(func() error {
		defer cancel() // leaving the desk hangs up and ends the phone
		parts := deskParts{bench: bench, check: check}
		if p.past != nil {
			parts.history = p.past
		}
		return run(ctx, parts)
	})
	return g.Wait()
}

// safely turns a panic into an error, so that the screen ends in order.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// greet says at once what would keep a call from being let in, or from having
// sound.
func greet(ctx context.Context, ph *phone.Phone, p *program) {
	for _, n := range p.concerns() {
		ph.Say(n)
	}
	text := missingSound(ctx, p.choices)
	if text == "" || ctx.Err() != nil {
		return
	}
	ph.Say(callstate.Notice{Severity: callstate.Warning, Text: text})
}

// watch is the hidden command of the process that guards the terminal.
func (p *program) watch() *cobra.Command {
	return &cobra.Command{
		Use:    terminal.WatchCommand + " LOGFILE",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ready := os.NewFile(3, "ready")
			return terminal.Watch(cmd.InOrStdin(), ready, os.Stdout, args[0])
		},
	}
}
