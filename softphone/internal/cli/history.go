package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"callcenter/api/wire"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/history"
)

const (
	historyName  = "history.db"
	historyLimit = 50
)

// openHistory makes the history of the settings, which opens nothing until it is
// kept. changed is called once it knows what earlier runs have dialed.
func (p *program) openHistory(log *slog.Logger, changed func()) error {
	c := history.Config{Before: p.store.Recent(), Imported: p.store.ForgetRecent, Changed: changed, Log: log}
	if p.cfg.History {
		dir, err := config.DataDir()
		if err != nil {
			return err
		}
		c.Path = filepath.Join(dir, historyName)
	}
	p.history = history.New(c)
	if p.cfg.History {
		p.past = history.NewFinder(c.Path, p.history)
	}
	return nil
}

// keep runs the history until end, which waits until all is written: to be called
// after the last call.
func (p *program) keep(ctx context.Context, say func(callstate.Notice)) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := safely(func() error { return p.history.Run(ctx, say) }); err != nil {
			say(callstate.Notice{Severity: callstate.Warning, Text: err.Error()})
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// calls is the command that lists the calls that were.
func (p *program) calls() *cobra.Command {
	var (
		limit  int
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "history [TEXT...]",
		Short: "List the calls that were, the newest first",
		Long: "History lists your calls: when each began, how long it was, with whom, its quality as a whole and in\n" +
			"its worst minute, how often and for how long it had no connection, and how it ended. With TEXT, only\n" +
			"those whose destination, name, end or day, such as 2026-11-26 or thursday, have every word of it. A call\n" +
			"that is cut is one whose softphone died. It works while a softphone is open. The newest 10,000 calls are\n" +
			"kept, in " + historyName + " in the data folder.",
		Example: "  softphone history\n" +
			"  softphone history support monday\n" +
			"  softphone history failed --json --limit 1000",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.runHistory(cmd, strings.Join(args, " "), limit, asJSON)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", historyLimit, "list so many `calls` at most, 1 to 10000")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) runHistory(cmd *cobra.Command, text string, limit int, asJSON bool) error {
	if err := p.load(cmd, "limit", "json"); err != nil {
		return err
	}
	if limit < 1 || limit > history.Most {
		return usageError{fmt.Errorf("limit %d: use 1 to %d", limit, history.Most)}
	}
	dir, err := config.DataDir()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, historyName)
	calls, more, err := history.Find(cmd.Context(), path, text, limit)
	if err != nil {
		return err
	}
	if asJSON {
		err = historyJSON(p.stdout, calls)
	} else {
		err = historyTable(p.stdout, calls)
	}
	if err != nil || asJSON && !more {
		return err
	}
	return p.remarkHistory(path, text, len(calls), more)
}

// remarkHistory says what the table cannot, to people.
func (p *program) remarkHistory(path, text string, listed int, more bool) error {
	remark := ""
	_, err := os.Stat(path)
	switch {
	case more:
		remark = fmt.Sprintf("There are more calls: --limit lists more than %d.", listed)
	case listed > 0:
	case errors.Is(err, os.ErrNotExist):
		remark = fmt.Sprintf("There is no history yet: %s begins with the first call.", path)
	case text != "":
		remark = fmt.Sprintf("No call has all of %q.", wire.Clean(text))
	default:
		remark = "There are no calls yet."
	}
	if remark == "" {
		return nil
	}
	_, err = fmt.Fprintln(p.stderr, remark)
	return err
}

func historyTable(w io.Writer, calls []callstate.Past) error {
	if len(calls) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(tw, "START\tLENGTH\tWHO\tMOS EST.\tWORST MINUTE\tGAPS\tENDED"); err != nil {
		return err
	}
	for i := range calls {
		c := &calls[i]
		who := wire.Clean(c.Destination)
		if c.Name != "" {
			who = wire.Clean(c.Name) + " (" + who + ")"
		}
		ended := wire.Clean(c.Ended)
		if c.Err != "" {
			ended += ": " + wire.Clean(c.Err)
		}
		if _, err := fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Start.Format(time.DateTime), clockTime(c.Length), who,
			rated(c.MOS), rated(c.WorstMOS), gapText(c), ended); err != nil {
			return err
		}
	}
	return tw.Flush()
}

// clockTime is a length as minutes and seconds, with hours if there are any.
func clockTime(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

func rated(mos float64) string {
	if mos == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", mos)
}

func gapText(c *callstate.Past) string {
	if c.Gaps == 0 {
		return "–"
	}
	return fmt.Sprintf("%d, %.1f s", c.Gaps, c.Gap.Seconds())
}

// pastCall is a call as scripts read it; what was not rated is null.
type pastCall struct {
	CallID       string   `json:"call_id"`
	Start        string   `json:"start"` // RFC 3339
	DurationS    float64  `json:"duration_s"`
	Destination  string   `json:"destination"`
	Name         string   `json:"name"`
	Server       string   `json:"server"`
	MOSEst       *float64 `json:"mos_est"`
	WorstMOSEst  *float64 `json:"worst_minute_mos_est"`
	ConcealedPct float64  `json:"concealed_pct"`
	Gaps         uint64   `json:"gaps"`
	GapS         float64  `json:"gap_s"`
	Ended        string   `json:"ended"`
	Error        string   `json:"error,omitempty"`
}

func historyJSON(w io.Writer, calls []callstate.Past) error {
	list := make([]pastCall, 0, len(calls))
	for i := range calls {
		c := &calls[i]
		list = append(list, pastCall{
			CallID: c.CallID, Start: c.Start.Format(time.RFC3339), DurationS: hundredths(c.Length.Seconds()),
			Destination: c.Destination, Name: c.Name, Server: c.Server,
			MOSEst: ratedOrNull(c.MOS), WorstMOSEst: ratedOrNull(c.WorstMOS), ConcealedPct: hundredths(c.ConcealedPct),
			Gaps: c.Gaps, GapS: hundredths(c.Gap.Seconds()), Ended: c.Ended, Error: c.Err,
		})
	}
	return printJSON(w, list)
}

func hundredths(x float64) float64 { return math.Round(100*x) / 100 }

func ratedOrNull(mos float64) *float64 {
	if mos == 0 {
		return nil
	}
	mos = hundredths(mos)
	return &mos
}
