package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"callcenter/api/settings"
	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/check"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// errCheckFailed is a check that was done, and has told what is wrong.
var errCheckFailed = errors.New("the check failed")

// check is the command that tests devices and connection before a shift.
func (p *program) check() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Test the headset and the connection before a shift",
		Long: "Check takes 20 seconds. It asks to be silent, to speak and to listen, measures the connection with\n" +
			"an echo call meanwhile, and says in a line each what is good enough (PASS), what is not quite (WARN)\n" +
			"and what would spoil calls (FAIL), with what to do. What could not be tested because of something\n" +
			"else has a dash. The exit code is 1 if anything is FAIL.",
		Example: "  softphone check\n" +
			"  softphone check --server 10.0.0.5:50051 --capture headset --playback headset\n" +
			"  softphone check --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.runCheck(cmd)
			return p.tellCheck(r, err, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the outcome as one JSON object, also when the check failed")
	return cmd
}

// newCheck returns the check that the settings describe. Its devices have a period
// that stays as it is: another one half way would be another device to it. newPhone
// was called.
func (p *program) newCheck(ph *phone.Phone, log *slog.Logger) *check.Check {
	ends := p.ends
	ends.periods = sound.FixedPeriods(audio.Period)
	if fixed := p.cfg.FixedPeriod(); fixed > 0 {
		ends.periods = sound.FixedPeriods(fixed)
	}
	return check.New(check.Config{
		Phone: ph, Sound: ends, Servers: p.cfg.Servers, Connect: p.access.Connect, Token: p.access.Token,
		Codec: p.codec, Options: p.cfg.Options(), EarCeiling: p.cfg.EarCeiling,
		Version: settings.Version(), Log: log,
	})
}

func (p *program) runCheck(cmd *cobra.Command) (check.Report, error) {
	none := check.Report{Version: settings.Version()}
	if err := p.load(cmd, "json"); err != nil {
		return none, err
	}
	log, err := openLog()
	if err != nil {
		return none, err
	}
	defer func() { _ = log.close() }()
	ph, err := p.newPhone(log.Logger)
	if err != nil {
		return none, err
	}
	prompt := newPrompter(p.stderr)
	defer prompt.end()
	r := p.newCheck(ph, log.Logger).Measure(cmd.Context(), prompt.show)
	if err := context.Cause(cmd.Context()); err != nil {
		return r, errors.New("the check was given up")
	}
	return r, nil
}

// tellCheck prints the outcome, and passes its error on.
func (p *program) tellCheck(r check.Report, err error, asJSON bool) error {
	if err != nil {
		r.Error = err.Error()
	}
	if asJSON {
		if jerr := printJSON(p.stdout, r); jerr != nil {
			return errors.Join(err, jerr)
		}
	} else if err == nil {
		if werr := writeCheck(p.stdout, r); werr != nil {
			return werr
		}
	}
	switch {
	case err != nil:
		return err
	case r.Error != "":
		return errors.New(r.Error)
	case r.Grade == callstate.GradeFail:
		return reportedError{errCheckFailed}
	}
	return nil
}

// writeCheck prints the outcome for people.
func writeCheck(w io.Writer, r check.Report) error {
	width := 0
	for _, l := range r.Lines {
		width = max(width, utf8.RuneCountInString(l.Title))
	}
	var b strings.Builder
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%-4s  %-*s  %s\n", l.Grade, width, l.Title, l.Finding)
		if l.Advice != "" {
			fmt.Fprintf(&b, "%*s→ %s\n", width+8, "", l.Advice)
		}
	}
	if len(r.Lines) > 0 {
		fmt.Fprintf(&b, "%s\n", verdictOf(r))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// verdictOf is the last line.
func verdictOf(r check.Report) string {
	counts := map[callstate.Grade]int{}
	for _, l := range r.Lines {
		counts[l.Grade]++
	}
	return fmt.Sprintf("%s: %d passed, %d to look at, %d failed, %d not tested", r.Grade,
		counts[callstate.GradePass], counts[callstate.GradeWarn], counts[callstate.GradeFail], counts[callstate.GradeNone])
}

// prompter tells the operator what to do: each request once, and, on a terminal, how
// long it lasts and what the microphone hears.
type prompter struct {
	w     io.Writer
	live  bool
	asked string
}

func newPrompter(w io.Writer) *prompter {
	f, ok := w.(*os.File)
	return &prompter{w: w, live: ok && isatty.IsTerminal(f.Fd())}
}

func (p *prompter) show(s callstate.Check) {
	wipe := ""
	if p.live {
		wipe = "\r\x1b[K"
	}
	if s.Ask != p.asked && s.Ask != "" {
		p.asked = s.Ask
		_, _ = fmt.Fprintf(p.w, "%s%s\n", wipe, s.Ask)
	}
	if p.live && s.Running {
		bar := strings.Repeat("#", int(max(0, min(60+s.Level.Peak, 60))/2))
		_, _ = fmt.Fprintf(p.w, "%s%3.0f s  %-30s  %.0f s to go", wipe, math.Ceil(s.Left.Seconds()), bar, math.Ceil(s.Total.Seconds()))
	}
}

// end takes the live line away.
func (p *prompter) end() {
	if p.live {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
	}
}
