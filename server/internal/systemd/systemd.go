// Package systemd tells the service manager that started the server how it is
// doing: that it takes calls, reloads, drains, and, while a watchdog waits for
// it, that it lives. Package cli calls it. Where no manager asked to be told
// ($NOTIFY_SOCKET is not set) nothing is sent. A message that cannot be sent is
// logged, and the server goes on.
//
// The protocol is sd_notify(3) of systemd. A Notifier is safe for concurrent
// use, except that one Watch at a time may run.
package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// The variables that a service manager sets.
const (
	socketVariable   = "NOTIFY_SOCKET"
	watchdogVariable = "WATCHDOG_USEC"
)

// Notifier speaks to the service manager. Use New.
type Notifier struct {
	log     *slog.Logger
	enabled bool
	// watchdog is how long the manager waits for a sign of life before it ends the
	// server and starts another; 0: it does not.
	watchdog time.Duration
	stopping atomic.Bool
}

// New returns a notifier for the service manager in the environment. The log
// takes what cannot be sent, and what the watchdog's probe finds.
func New(log *slog.Logger) *Notifier {
	n := &Notifier{log: log, enabled: os.Getenv(socketVariable) != ""}
	if !n.enabled {
		return n
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not served", "error", err.Error(), "variable", watchdogVariable)
	}
	n.watchdog = watchdog
	return n
}

// Enabled reports whether a service manager wants to be told.
func (n *Notifier) Enabled() bool { return n.enabled }

// Ready says that the server takes calls, also after a reload. After Stopping it
// says nothing.
func (n *Notifier) Ready(status string) {
	if n.stopping.Load() {
		return
	}
	n.send(daemon.SdNotifyReady, statusLine(status))
}

// Reloading says that settings are being read again, as of now. Ready ends it.
func (n *Notifier) Reloading() {
	n.send(daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Stopping says that the server ends, which takes at most the limit.
func (n *Notifier) Stopping(limit time.Duration, status string) {
	n.stopping.Store(true)
	n.send(daemon.SdNotifyStopping, "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(limit.Microseconds(), 10), statusLine(status))
}

// Watch proves to the manager's watchdog that the server lives: twice in the time
// that it waits, it calls probe, which must go where calls go, and passes on that
// it returned nil. One that does not return ends with its context after half of
// that time and counts as an error. Watch returns when ctx ends, or at once
// where no watchdog waits.
func (n *Notifier) Watch(ctx context.Context, probe func(context.Context) error) {
	if n.watchdog <= 0 {
		return
	}
	half := n.watchdog / 2
	next := time.NewTicker(half)
	defer next.Stop()
	for {
		n.beat(ctx, half, probe)
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
	}
}

// beat is one look at the server, bounded by the limit.
func (n *Notifier) beat(ctx context.Context, limit time.Duration, probe func(context.Context) error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := probe(bounded)
	switch {
	case ctx.Err() != nil: // the server has ended
	case err != nil:
		n.log.Error("the server does not answer itself: without an answer the watchdog restarts it",
			"error", err.Error(), "watchdog", n.watchdog.String())
	default:
		n.send(daemon.SdNotifyWatchdog)
	}
}

// send sends assignments, leaving out empty ones.
func (n *Notifier) send(assignments ...string) {
	if !n.enabled {
		return
	}
	var b strings.Builder
	for _, a := range assignments {
		if a != "" {
			b.WriteString(a + "\n")
		}
	}
	if _, err := daemon.SdNotify(false, b.String()); err != nil {
		n.log.Warn("the service manager was not told", "what", assignments[0], "error", err.Error())
	}
}

// statusLine is what `systemctl status` shows, on one line.
func statusLine(status string) string {
	return fmt.Sprintf("STATUS=%s", strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, status))
}
