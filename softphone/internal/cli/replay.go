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

	"callcenter/audio"
	"callcenter/audio/file"
	"callcenter/audio/playlog"
	"callcenter/audio/playout"
	"callcenter/audio/quality"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/replay"
)

// voiceSeed is the built-in talker's.
const voiceSeed = 1

// replayJob is what one replay reads and writes.
type replayJob struct {
	trace, audio, out, playlog string
}

// replayReport is the account of a replay, as scripts read it.
type replayReport struct {
	Trace            string            `json:"trace"`
	DurationS        float64           `json:"duration_s"`
	Codec            string            `json:"codec"`
	FrameMS          int               `json:"frame_ms"`
	RTTMS            float64           `json:"rtt_ms"`
	Packets          int               `json:"packets"`
	*playlog.Figures                   // nil: it failed
	Stats            *playout.Counters `json:"stats,omitempty"`
	Error            string            `json:"error,omitempty"`
}

// replay is the command that plays a trace offline.
func (p *program) replay() *cobra.Command {
	var (
		job    replayJob
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "replay --trace FILE",
		Short: "Play a trace of arrivals through the playout of calls",
		Long: "Replay plays a trace through the playout that calls use, faster than real time, and says how that\n" +
			"went: delay above the fastest packet, concealment, time back to live after stalls, R and MOS est.\n" +
			"A trace is made by softphone call --record-trace, or has a line for each packet that arrived,\n" +
			"\"seq send_us arrive_us [dtx]\", below a line such as \"# frame_ms=20 rtt_ms=60\". The frame is the\n" +
			"trace's, not --frame; --codec, --bitrate and --complexity count.",
		Example: "  softphone call echo --duration 60s --record-trace call.txt\n" +
			"  softphone replay --trace call.txt\n" +
			"  softphone replay --trace call.txt --audio speech.wav --out ear.wav --playlog play.txt --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.runReplay(cmd, job)
			return p.accountReplay(r, err, asJSON)
		},
	}
	cmd.Flags().StringVar(&job.trace, "trace", "", "arrivals to replay, `FILE`")
	cmd.Flags().StringVar(&job.audio, "audio", "", "what the far end says, a WAV `FILE`, looped (default: a voice made up)")
	cmd.Flags().StringVar(&job.out, "out", "", "write what the ear hears to this WAV `FILE`")
	cmd.Flags().StringVar(&job.playlog, "playlog", "", "write what the playout did, a line each 10 ms, to `FILE`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the figures as one JSON object, also when the replay failed")
	return cmd
}

func (p *program) runReplay(cmd *cobra.Command, job replayJob) (replayReport, error) {
	r := replayReport{Trace: job.trace}
	if err := p.load(cmd, "trace", "audio", "out", "playlog", "json"); err != nil {
		return r, err
	}
	if err := job.check(); err != nil {
		return r, usageError{err}
	}
	c, err := codec.NewRegistry(opus.Codec{}, pcm.Codec{}).Lookup(p.cfg.Codec)
	if err != nil {
		return r, usageError{err}
	}
	r.Codec = c.Name()
	t, err := playlog.OpenTrace(job.trace)
	if err != nil {
		return r, err
	}
	r.FrameMS, r.RTTMS, r.Packets = t.FrameMS, t.RTTMS, len(t.Packets)
	res, err := job.run(cmd.Context(), replay.Config{Trace: t, Codec: c, Options: p.cfg.Options(), Complete: p.cfg.Playout == config.Complete})
	if err != nil {
		return r, fmt.Errorf("replay trace %q: %w", job.trace, err)
	}
	r.DurationS = float64(len(res.Log)) * audio.Period.Seconds()
	f, err := playlog.Score(t.Packets, res.Log)
	if err != nil {
		return r, fmt.Errorf("rate trace %q: %w", job.trace, err)
	}
	stats := res.Stats.Counters()
	r.Figures, r.Stats = &f, &stats
	return r, nil
}

// check refuses what would lose a file.
func (j replayJob) check() error {
	if j.trace == "" {
		return errors.New("no trace is named: use --trace FILE; softphone call --record-trace FILE makes one")
	}
	names := []struct{ flag, path string }{
		{"trace", j.trace}, {"audio", j.audio}, {"out", j.out}, {"playlog", j.playlog},
	}
	for i, written := range names[2:] {
		for _, other := range names[:2+i] {
			if written.path != "" && other.path != "" && sameFile(written.path, other.path) {
				return fmt.Errorf("--%s names the file of --%s, %.80q; name another", written.flag, other.flag, written.path)
			}
		}
	}
	return nil
}

// sameFile reports whether two paths name one file, be it there or not.
func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// run opens what the job names, replays, and writes the play log when all of it
// is there. A WAV file is whole up to where a failed run ended.
func (j replayJob) run(ctx context.Context, cfg replay.Config) (_ replay.Result, err error) {
	if len(cfg.Trace.Packets) == 0 {
		return replay.Result{}, replay.ErrEmpty // before a file is emptied
	}
	cfg.Source = replay.NewVoice(voiceSeed)
	if j.audio != "" {
		if cfg.Source, err = openAudio(j.audio); err != nil {
			return replay.Result{}, err
		}
	}
	defer func() { err = errors.Join(err, cfg.Source.Close()) }()
	write := func([]int16) error { return nil }
	if j.out != "" {
		w, cerr := file.Create(j.out)
		if cerr != nil {
			return replay.Result{}, cerr
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		write = w.Write
	}
	cfg.Out = func(pcm []int16) error {
		if ctx.Err() != nil {
			return errors.New("interrupted before its end; run it again")
		}
		return write(pcm)
	}
	res, err := replay.Run(cfg)
	if err == nil && j.playlog != "" {
		err = playlog.WriteLog(j.playlog, res.Log)
	}
	return res, err
}

// openAudio returns a source, or an error that goes with none.
func openAudio(path string) (audio.Source, error) {
	l, err := replay.OpenLoop(path)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// accountReplay prints the figures and passes the error on.
func (p *program) accountReplay(r replayReport, err error, asJSON bool) error {
	if err != nil {
		r.Error = err.Error()
	}
	if asJSON {
		return errors.Join(err, printJSON(p.stdout, r))
	}
	if r.Figures == nil {
		return err
	}
	return errors.Join(err, writeReplay(p.stdout, r))
}

// writeReplay prints the figures for people.
func writeReplay(w io.Writer, r replayReport) error {
	live := "no stall"
	if r.Stalls > 0 {
		live = fmt.Sprintf("mean %.0f ms, at most %.0f ms, after stalls: %d", r.TTLMeanMS, r.TTLMaxMS, r.Stalls)
	}
	_, err := fmt.Fprintf(w, `replay of %s, %.1f s, %s %d ms, round trip %g ms
packets       %d arrived, %.2f %% of the frames did not
delay         mean %.1f, p50 %.0f, p95 %.0f, p99 %.0f, max %.0f ms above the fastest packet
concealed     %.2f %%, events %d, of 150 ms and more %d
time scaling  inserted %.2f %%, removed %.2f %%; comfort noise %.2f %%
back to live  %s
quality       R %.1f est. = %.1f - %.1f for delay - %.1f for concealment; MOS %.2f est.

`,
		r.Trace, r.DurationS, r.Codec, r.FrameMS, r.RTTMS,
		r.Packets, r.TraceLossPct, r.MeanMS, r.P50MS, r.P95MS, r.P99MS, r.MaxMS,
		r.ConcealedPct, r.Events, r.Interruptions,
		r.InsertedPct, r.RemovedPct, r.ComfortPct,
		live, r.R, quality.BestR, r.DelayR, r.LossR, r.MOS)
	return errors.Join(err, writeCounters(w, *r.Stats))
}

// writeCounters prints the counters under the names that the JSON has.
func writeCounters(w io.Writer, c playout.Counters) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		_, _ = fmt.Fprintf(table, "%s\t%s\n", name, counter(v.Field(i))) // kept for Flush
	}
	return table.Flush()
}

// counter is the value of a counter as text.
func counter(v reflect.Value) string {
	if v.CanFloat() {
		return fmt.Sprintf("%.6f", v.Float())
	}
	return fmt.Sprint(v.Interface())
}
