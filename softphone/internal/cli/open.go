package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callcenter/audio/mix"
	"callcenter/audio/playout"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
)

// openJob is what is to be done with a black box.
type openJob struct {
	path, leg, extract string
	play, replay       bool
}

// openReport is the account of a black box, as scripts read it.
type openReport struct {
	File     string             `json:"file"`
	Manifest *blackbox.Manifest `json:"manifest,omitempty"` // nil: it failed
	Report   *call.Report       `json:"report,omitempty"`
	Seconds  []second           `json:"seconds,omitempty"`
	Replay   *replayedReport    `json:"replay,omitempty"`
	Error    string             `json:"error,omitempty"`

	box     *blackbox.Box
	outcome *blackbox.Outcome
}

// replayedReport are the counters of the call's ear and of the replay.
type replayedReport struct {
	Whole        bool             `json:"whole"`
	TakenUp      bool             `json:"taken_up"`
	Same         bool             `json:"same"`
	LengthS      float64          `json:"length_s"`
	ComparedFrom float64          `json:"compared_from_s"`
	Pulls        int              `json:"pulls"`
	Compared     int              `json:"pulls_compared"`
	PullsDiffer  int              `json:"pulls_differ"`
	FirstDiffers float64          `json:"first_differs_s"`
	Recorded     playout.Counters `json:"recorded"`
	Replayed     playout.Counters `json:"replayed"`
}

// open is the command that looks into a black box.
func (p *program) open() *cobra.Command {
	job := openJob{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "open FILE",
		Short: "Show a black box: the last minute of a call, saved from the screen",
		Long: "Open shows what a black box holds: whose call it was, how it went, each second with trouble, and the\n" +
			"screen. --play plays both voices together, or one, to --playback; Ctrl+C ends that. --replay does to a\n" +
			"playout what the call's was told, and sets the counters of both side by side. Any unzip takes the file\n" +
			"apart too; its manifest.json says what each part is.",
		Example: "  softphone open softphone-20261126-101530-echo.zip\n" +
			"  softphone open bad.zip --play --leg far --playback headset\n" +
			"  softphone open bad.zip --play --playback file:bad.wav\n" +
			"  softphone open bad.zip --replay --json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			job.path = args[0]
			r, err := p.runOpen(cmd, job, asJSON)
			return p.accountOpen(r, err, job, asJSON)
		},
	}
	cmd.Flags().BoolVar(&job.play, "play", false, "play the voices to --playback")
	cmd.Flags().StringVar(&job.leg, "leg", "both", "what --play plays: `both`, near or far")
	cmd.Flags().BoolVar(&job.replay, "replay", false, "replay what arrived through the playout and compare the counters")
	cmd.Flags().StringVar(&job.extract, "extract", "", "put what it consists of into a new `FOLDER`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, also when it failed")
	return cmd
}

func (p *program) runOpen(cmd *cobra.Command, job openJob, asJSON bool) (openReport, error) {
	r := openReport{File: job.path}
	if err := p.load(cmd, "play", "leg", "replay", "extract", "json"); err != nil {
		return r, err
	}
	if job.leg != "both" && job.leg != "near" && job.leg != "far" {
		return r, usageError{fmt.Errorf("leg %.32q: use both, near or far", job.leg)}
	}
	if cmd.Flags().Changed("leg") && !job.play {
		return r, usageError{errors.New("leg says what --play plays: add --play")}
	}
	box, err := blackbox.Open(job.path)
	if err != nil {
		return r, err
	}
	r.box, r.Manifest, r.Report = box, &box.Manifest, box.Report
	for _, row := range box.Rows {
		r.Seconds = append(r.Seconds, row)
	}
	c, err := codec.NewRegistry(opus.Codec{}, pcm.Codec{}).Lookup(box.Manifest.Codec)
	if err != nil {
		return r, err
	}
	if job.extract != "" {
		if err := extract(box, job.extract); err != nil {
			return r, err
		}
	}
	if job.replay {
		if r.outcome, err = box.Replay(c, nil); err != nil {
			return r, fmt.Errorf("replay black box %q: %w", job.path, err)
		}
		r.Replay = replayed(r.outcome)
	}
	if !job.play {
		return r, nil
	}
	if !asJSON {
		if err := writeBox(p.stdout, &r); err != nil { // before it is heard
			return r, err
		}
	}
	return r, p.playBox(cmd.Context(), box, c, job.leg)
}

func replayed(o *blackbox.Outcome) *replayedReport {
	return &replayedReport{
		Whole: o.Whole, TakenUp: o.TakenUp, Same: o.Same(), LengthS: o.Length.Seconds(), ComparedFrom: o.From.Seconds(),
		Pulls: o.Pulls, Compared: o.Compared, PullsDiffer: o.Differs, FirstDiffers: o.First.Seconds(),
		Recorded: o.Recorded.Counters(), Replayed: o.Replayed.Counters(),
	}
}

// accountOpen prints what was found and passes the error on.
func (p *program) accountOpen(r openReport, err error, job openJob, asJSON bool) error {
	if asJSON {
		if err != nil {
			r.Error = err.Error()
		}
		return errors.Join(err, printJSON(p.stdout, r))
	}
	if err != nil || job.play {
		return err
	}
	return writeBox(p.stdout, &r)
}

// extract writes the members into a folder that is not there yet, for its owner
// only.
func extract(box *blackbox.Box, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("make a folder for what is in the black box: %w; name one that is not there yet", err)
	}
	for _, name := range box.Names() {
		if err := os.WriteFile(filepath.Join(folder, name), box.Member(name), 0o600); err != nil {
			return fmt.Errorf("write what is in the black box: %w", err)
		}
	}
	return nil
}

// playBox plays one leg or both.
func (p *program) playBox(ctx context.Context, box *blackbox.Box, c codec.Codec, leg string) error {
	var near, far []int16
	var err error
	if leg != "far" {
		if near, err = box.Near(c); err != nil {
			return err
		}
	}
	if leg != "near" {
		if far, err = box.Far(c); err != nil {
			return err
		}
	}
	both := make([]int16, max(len(near), len(far)))
	sum := mix.NewSum(len(both))
	sum.Add(near)
	sum.Add(far)
	sum.Minus(both, nil, &mix.Limiter{})
	return p.listen(ctx, both)
}

// writeBox prints what a black box holds for people.
func writeBox(w io.Writer, r *openReport) error {
	var b strings.Builder
	m := r.Manifest
	begins := "the end of the call"
	if m.Whole {
		begins = "the call from its beginning"
	}
	fmt.Fprintf(&b, `black box   %s
call        to %s over %s, dialed %s, %s when saved
holds       %.0f s of it, from %s: %s
codec       %s, %d ms, %d frames sent, %d received
made by     softphone %s, %s/%s
`,
		r.File, m.Destination, m.Server, m.Dialed.Local().Format("2 Jan 2006 15:04:05"), m.State,
		m.LengthS, m.Begins.Local().Format("15:04:05"), begins,
		m.Codec, m.FrameMS, m.Sent, m.Received, m.Softphone, m.OS, m.Arch)
	if n := len(r.Seconds); n > 0 {
		fmt.Fprintf(&b, "devices     microphone %s, earpiece %s\n", or(r.Seconds[n-1]["microphone"]), or(r.Seconds[n-1]["earpiece"]))
	}
	if r.Report != nil {
		b.WriteString("\n")
		if err := writeReport(&b, *r.Report); err != nil {
			return err
		}
	}
	writeTroubles(&b, r.Seconds)
	if r.outcome != nil {
		writeOutcome(&b, r.outcome)
	}
	if screen := strings.TrimRight(r.box.Screen, "\n "); screen != "" {
		fmt.Fprintf(&b, "\nThe screen:\n%s\n", screen)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// or is a device's name, or a dash.
func or(name string) string {
	if name == "" {
		return "–"
	}
	return name
}

// writeTroubles prints the seconds in which the call suffered from something.
func writeTroubles(b *strings.Builder, seconds []second) {
	if len(seconds) == 0 {
		return
	}
	n := 0
	for _, s := range seconds {
		if s["troubles"] == "" {
			continue
		}
		if n == 0 {
			b.WriteString("\nSeconds with trouble:\n")
		}
		n++
		quality := "not rated"
		if s["mos_est"] != "" {
			quality = "MOS " + s["mos_est"] + " est."
		}
		fmt.Fprintf(b, "%7.7s s  rtt %s ms, jitter %s ms, buffer %s/%s ms, %s: %s\n", s["at_s"],
			s["rtt_ms"], s["jitter_ms"], s["buffer_ms"], s["target_ms"], quality, s["troubles"])
	}
	if n == 0 {
		fmt.Fprintf(b, "\nNo trouble in any of %d seconds.\n", len(seconds))
	}
}

// writeOutcome prints the counters of the call's ear and of the replay.
func writeOutcome(b *strings.Builder, o *blackbox.Outcome) {
	fmt.Fprintf(b, "\nReplay of %.1f s, %d pulls.\n", o.Length.Seconds(), o.Pulls)
	switch {
	case o.TakenUp:
		fmt.Fprintf(b, "It begins in mid-call: the first %.1f s are a warm-up, then the ear is taken up as it was, and the\n"+
			"counters are those of the rest.\n", o.From.Seconds())
	case !o.Whole:
		fmt.Fprintf(b, "It begins in mid-call, and what the ear had learned and held is missing: the first %.1f s are a\n"+
			"warm-up, and the counters are those of the rest. They come near, and need not be the same.\n", o.From.Seconds())
	}
	switch {
	case o.Compared == 0:
		b.WriteString("Too short to compare.\n")
	case o.Same():
		b.WriteString("The same counters, and every pull the same.\n")
	default:
		fmt.Fprintf(b, "%d of %d pulls came out in another way, the first after %.1f s.\n", o.Differs, o.Compared, o.First.Seconds())
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\trecorded\treplayed\t") // kept for Flush, as all of it
	was, is := reflect.ValueOf(o.Recorded.Counters()), reflect.ValueOf(o.Replayed.Counters())
	for i := range was.NumField() {
		name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
		a, z := counter(was.Field(i)), counter(is.Field(i))
		differs := ""
		if a != z {
			differs = "differs"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", name, a, z, differs)
	}
	_ = table.Flush() // memory takes all
}
