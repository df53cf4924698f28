package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/callcenter"
	"callcenter/server/internal/config"
	"callcenter/server/internal/systemd"
)

const (
	// readyLimit is how long the server may take to answer itself for the first time.
	readyLimit = 30 * time.Second
	// endReserve is what the end may take after the drain's time, in all.
	endReserve = 15 * time.Second
)

// part is a piece of the server that reads files of the administrator's while it
// serves.
type part struct {
	name   string
	reload func() error                    // reads them now; with an error what was in force stays
	run    func(ctx context.Context) error // looks after them until ctx ends
}

// server is one run of the program, from the first signal to the last.
type server struct {
	flags    *pflag.FlagSet // as the command line set them
	cfg      config.Config  // in force
	settings []settings.Setting
	log      *slog.Logger
	listener net.Listener
	gate     *admission.Gate
	pulse    *callcenter.Pulse
	notifier *systemd.Notifier
	terminal *terminal
	tokens   *tokens
	security *security
	parts    []part
}

// serve takes calls until the first signal, and lets them end until the second.
func serve(ctx context.Context, fs *pflag.FlagSet, stderr io.Writer, signals <-chan os.Signal) error {
	s, err := newServer(fs, stderr)
	if err != nil {
		return err
	}
	s.security.announce(s.log, "address", s.listener.Addr().String(), "mode", s.cfg.Mode, "version", settings.Version())
	return s.run(ctx, signals)
}

// newServer settles the settings, listens, and opens what it takes to be sure of
// callers.
func newServer(fs *pflag.FlagSet, stderr io.Writer) (*server, error) {
	cfg, list, mistakes := config.Show(fs)
	if len(mistakes) > 0 {
		return nil, usageError{mistakes[0]}
	}
	lis, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, explainListen(cfg.Listen, err)
	}
	log := newLog(cfg.LogFormat, stderr)
	s := &server{
		flags: fs, cfg: cfg, settings: list, log: log, listener: lis,
		gate:     admission.New(cfg.Limits()),
		pulse:    callcenter.NewPulse(),
		notifier: systemd.New(log),
		terminal: newTerminal(os.Stdin, os.Stdout, os.Stderr),
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, lis.Close())
	}
	if w := openFilesWarning(&cfg); w != "" {
		log.Warn("too few open files", "caution", w)
	}
	return s, nil
}

// open reads keys, revocations and certificates, or makes a certificate.
func (s *server) open() (err error) {
	if s.tokens, err = openTokens(&s.cfg, s.log); err != nil {
		return err
	}
	if s.security, err = secure(&s.cfg, s.listener.Addr(), s.tokens.keys(), s.log); err != nil {
		return err
	}
	s.parts = []part{
		{"keys and revocations", s.tokens.reload, s.tokens.run},
		{"certificates", s.security.reload, s.security.run},
	}
	return nil
}

// run serves until the signals, or a failure, end it.
func (s *server) run(ctx context.Context, signals <-chan os.Signal) error {
	beside, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	for _, p := range s.parts {
		tasks.Go(func() {
			if err := p.run(beside); err != nil {
				s.log.Error("changed files are not noticed any more: SIGHUP reads them", "what", p.name, "error", err.Error())
			}
		})
	}
	draining, drain := context.WithCancel(ctx)
	defer drain()
	forced := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- callcenter.Run(draining, s.listener, s.callcenter(), forced) }()
	tasks.Go(func() { s.prove(beside) })

	return s.await(ended, signals, drain, func() { close(forced) })
}

// callcenter are the settings as package callcenter wants them.
func (s *server) callcenter() callcenter.Config {
	return callcenter.Config{
		Codecs:       codec.NewRegistry(opus.Codec{}, pcm.Codec{}),
		Log:          s.log,
		Destination:  s.cfg.Destination(),
		Speakers:     s.cfg.Speakers,
		LevelControl: s.cfg.LevelControl,
		DrainTimeout: s.cfg.DrainTimeout,
		Credentials:  s.security.credentials(),
		Authority:    s.tokens.authority,
		Gate:         s.gate,
		Pulse:        s.pulse,
		Version:      settings.Version(),
	}
}

// prove tells the service manager that the server takes calls, once it answers
// itself, and then that it lives, until ctx ends.
func (s *server) prove(ctx context.Context) {
	if !s.notifier.Enabled() {
		return
	}
	first, cancel := context.WithTimeout(ctx, readyLimit)
	err := s.pulse.Beat(first)
	cancel()
	switch {
	case err == nil:
		s.notifier.Ready(s.status())
	case ctx.Err() == nil:
		s.log.Error("the server does not answer itself", "error", err.Error())
	}
	s.notifier.Watch(ctx, s.pulse.Beat)
}

// status is what the service manager shows of a server that takes calls.
func (s *server) status() string { return "takes calls on " + s.listener.Addr().String() }

// await waits for the server's end: the first signal begins it and the second
// one forces it. SIGHUP, until then, reads the settings again.
func (s *server) await(ended <-chan error, signals <-chan os.Signal, drain, force func()) error {
	for count := 0; ; {
		select {
		case err := <-ended:
			if err == nil {
				s.log.Info("stopped")
			}
			return err
		case sig := <-signals:
			if sig == syscall.SIGHUP && !s.terminal.gone() {
				s.hangUp(count > 0)
				continue
			}
			count++
			switch count {
			case 1:
				s.log.Info("draining", "signal", sig.String(), "timeout", s.cfg.DrainTimeout.String())
				s.notifier.Stopping(s.cfg.DrainTimeout+endReserve, "lets the calls end")
				drain()
			case 2:
				force()
			}
		}
	}
}

// hangUp is what SIGHUP does.
func (s *server) hangUp(draining bool) {
	if draining {
		s.log.Warn("not reloaded: the server is about to end")
		return
	}
	s.notifier.Reloading()
	status := s.status()
	if err := s.reload(); err != nil {
		s.log.Error("not reloaded: everything stays as it was", "error", oneLine(err))
		status += "; the last reload was refused, see the log"
	}
	s.notifier.Ready(status)
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
