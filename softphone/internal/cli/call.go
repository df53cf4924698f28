package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// call is the command that makes one call without a screen.
func (p *program) call() *cobra.Command {
	var (
		limit  time.Duration
		record string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "call [DEST]",
		Short: "Make one call and report on it",
		Long: "Call makes one call and prints its report when it is over. Without --duration the call lasts\n" +
			"until Ctrl+C or SIGTERM, which hang up cleanly. While stderr is a terminal a line there shows\n" +
			"how the call goes.",
		Example: "  softphone call echo --duration 10s\n" +
			"  softphone call room/support --name Ada --capture headset --playback headset\n" +
			"  softphone call echo --capture file:speech.wav --playback file:out.wav --duration 10s --json\n" +
			"  softphone call room/support --record-trace bad-call.txt",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := p.runCall(cmd, args, limit, record)
			return p.account(r, err, asJSON)
		},
	}
	cmd.Flags().DurationVar(&limit, "duration", 0, "end the call so long after the answer, such as `10s`")
	cmd.Flags().StringVar(&record, recordFlag, "", "write when each packet arrived to `FILE`, for softphone replay")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object, also when the call failed")
	return cmd
}

func (p *program) runCall(cmd *cobra.Command, args []string, limit time.Duration, record string) (call.Report, error) {
	var r call.Report
	if len(args) == 1 {
		r.Destination = args[0]
	}
	if err := p.load(cmd, "duration", "json", recordFlag); err != nil {
		return r, err
	}
	if r.Destination == "" {
		r.Destination = p.cfg.Dest
	}
	if limit < 0 {
		return r, usageError{fmt.Errorf("duration %v: use a positive one, such as 10s", limit)}
	}
	log, err := openLog()
	if err != nil {
		return r, err
	}
	defer func() { _ = log.close() }()
	ph, err := p.newPhone(log.Logger)
	if err != nil {
		return r, err
	}
	p.store.Warn(ph.Say)
	for _, n := range p.concerns() {
		ph.Say(n)
	}
	order := phone.Order{Destination: r.Destination, Limit: limit}
	finish, err := p.record(&order, record)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		showStatus(ctx, ph, p.stderr)
	}()
	kept := p.keep(ctx, ph.Say)
	r, err = ph.Place(ctx, order)
	kept()
	cancel()
	<-shown
	return r, errors.Join(err, finish())
}

// account prints the report and passes the error on.
func (p *program) account(r call.Report, err error, asJSON bool) error {
	if err != nil {
		r.Error = err.Error()
		if r.Ended == "" {
			r.Ended = "failed"
		}
	}
	if asJSON {
		return errors.Join(err, printJSON(p.stdout, r))
	}
	if r.DurationS > 0 {
		if werr := writeReport(p.stdout, r); werr != nil {
			return errors.Join(err, werr)
		}
	}
	return err
}

// showStatus writes the call's sentences to w, and once a second a line that
// says how it goes while w is a terminal, until ctx ends.
func showStatus(ctx context.Context, ph *phone.Phone, w io.Writer) {
	wipe := ""
	var tick <-chan time.Time
	if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		tick, wipe = ticker.C, "\r\x1b[K"
	}
	defer func() { _, _ = io.WriteString(w, wipe) }()
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-ph.Notices():
			_, _ = fmt.Fprintf(w, "%s%s\n", wipe, n.Text)
		case <-tick:
			_, _ = io.WriteString(w, wipe+statusLine(ph.Snapshot()))
		}
	}
}

func statusLine(s callstate.Snapshot) string {
	d := s.Duration.Truncate(time.Second)
	if found := s.Verdict.Troubles; len(found) > 0 { // they matter more than the figures
		return fmt.Sprintf("%s %s  %s", s.State, d, callstate.Join(found))
	}
	line := fmt.Sprintf("%s %s  mic %.0f ear %.0f dBFS", s.State, d, s.Microphone.RMS, s.Earpiece.RMS)
	if s.Delay.RTTKnown {
		line += fmt.Sprintf("  rtt %d ms", s.Delay.RTT.Milliseconds())
	}
	if s.Delay.LoopKnown {
		line += fmt.Sprintf("  loop %d ms", s.Delay.Loop.Milliseconds())
	}
	return line + fmt.Sprintf("  buffer %d/%d ms  lost %d  concealed %.1f %%",
		s.Delay.Buffer.Milliseconds(), s.Delay.Target.Milliseconds(), s.Traffic.Lost, s.Traffic.ConcealedPct)
}
