// Package cli is the server's command line: settings, the listening socket, the
// log and signals, around package callcenter. main calls Main and nothing else
// does.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"callcenter/api/settings"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/callcenter"
	"callcenter/server/internal/config"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// gcPercent trades memory for fewer collections: a stream's garbage is small
// and steady.
const gcPercent = 400

// usageError marks what the person at the command line got wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Main runs the server with the command line's arguments until SIGTERM or
// SIGINT, and returns the exit code: 0 after an orderly end, 1 when it failed
// or a second signal cut it short, 2 for wrong usage.
func Main(args []string, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	return run(args, stdout, stderr, signals)
}

// run is Main with the signals given.
func run(args []string, stdout, stderr io.Writer, signals <-chan os.Signal) int {
	cmd := command(stderr, signals)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "server: %v (server --help lists the settings)\n", err) // nobody to tell
		return exitUsage
	default:
		_, _ = fmt.Fprintf(stderr, "server: %v\n", err)
		return exitFailed
	}
}

func command(stderr io.Writer, signals <-chan os.Signal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Take calls from softphones: echo them, mix them in rooms, or play a tone",
		Long: "Take calls from softphones over gRPC: echo them, mix them in rooms, or play a tone.\n\n" +
			"Every setting is a flag, an environment variable (SERVER_DRAIN_TIMEOUT) and a key of\n" +
			"the --config file (drain-timeout); the first of these that says something wins.",
		Version:       settings.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return usageError{err}
			}
			return serve(cmd.Context(), cfg, stderr, signals)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{settings.FlagError(cmd.Flags(), err)}
	})
	cmd.SetVersionTemplate("server {{.Version}}\n")
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.AddCommand(tokenCommand())
	config.Flags(cmd.Flags())
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	for name, values := range config.Choices() {
		// It fails for a flag that is not there, which a test would show.
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values[:], cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

// Command is the command line without anything to run it, for manuals.
func Command() *cobra.Command { return command(io.Discard, nil) }

// serve takes calls until the first signal, and lets them end until the second.
func serve(ctx context.Context, cfg config.Config, stderr io.Writer, signals <-chan os.Signal) error {
	lis, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return explainListen(cfg.Listen, err)
	}
	log := newLog(cfg.LogFormat, stderr)
	asked, err := openTokens(&cfg, log)
	if err != nil {
		return errors.Join(err, lis.Close())
	}
	sec, err := secure(&cfg, lis.Addr(), asked.keys(), log)
	if err != nil {
		return errors.Join(err, lis.Close())
	}
	sec.announce(log, "address", lis.Addr().String(), "mode", cfg.Mode, "version", settings.Version())

	draining, drain := context.WithCancel(ctx)
	defer drain()
	forced := make(chan struct{})
	ended := make(chan error, 1)
	var looking sync.WaitGroup
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	looking.Go(func() { _ = asked.run(watched) }) // both return nil
	looking.Go(func() { _ = sec.run(watched) })
	defer looking.Wait()
	defer stop()
	go func() {
		ended <- callcenter.Run(draining, lis, callcenter.Config{
			Codecs:       codec.NewRegistry(opus.Codec{}, pcm.Codec{}),
			Log:          log,
			Destination:  cfg.Destination(),
			Gate:         admission.New(cfg.Limits()),
			Speakers:     cfg.Speakers,
			LevelControl: cfg.LevelControl,
			DrainTimeout: cfg.DrainTimeout,
			Credentials:  sec.credentials(),
			Version:      settings.Version(),
			Authority:    asked.authority,
		}, forced)
	}()
	return await(ended, signals, func(sig os.Signal) {
		log.Info("draining", "signal", sig.String(), "timeout", cfg.DrainTimeout.String())
		drain()
	}, func() { close(forced) }, log)
}

// await waits for the server's end: the first signal begins it and the second
// one forces it.
func await(ended <-chan error, signals <-chan os.Signal, drain func(os.Signal), force func(), log *slog.Logger) error {
	for count := 0; ; {
		select {
		case err := <-ended:
			if err == nil {
				log.Info("stopped")
			}
			return err
		case sig := <-signals:
			count++
			switch count {
			case 1:
				drain(sig)
			case 2:
				force()
			}
		}
	}
}

func newLog(format string, w io.Writer) *slog.Logger {
	if format == config.JSON {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// explainListen says what to do about an address that cannot be had.
func explainListen(address string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: the address is in use: stop the other server, or choose another with --listen HOST:PORT", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: not permitted: choose a port above 1023 with --listen HOST:PORT", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine has no such address: choose one it has with --listen HOST:PORT", address)
	case errors.As(err, &dns):
		return fmt.Errorf("listen on %s: the host is unknown: choose an address of this machine with --listen HOST:PORT", address)
	default:
		return fmt.Errorf("listen on %s: %w: choose another address with --listen HOST:PORT", address, err)
	}
}
