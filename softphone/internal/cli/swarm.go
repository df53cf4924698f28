package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/swarm"
)

// swarmFlags are the swarm's own flags; the others are settings.
var swarmFlags = []string{"calls", "rooms", "talkers", "speakers", "duration", "ramp", "streams-per-conn", "json"}

// swarm is the command that loads a server with calls.
func (p *program) swarm() *cobra.Command {
	var (
		cfg    swarm.Config
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "swarm --calls N",
		Short: "Load a server with calls and verify what comes back",
		Long: "Swarm makes many real calls to the server from this process, without sound devices, and says how\n" +
			"the server did: calls held, added delay from the scheduled time of sending, what was late, dropped\n" +
			"or wrong, and, where the server runs on this computer under Linux, its processor time and memory.\n" +
			"What the calls say is encoded beforehand. What comes back as it was said is compared byte by byte; in\n" +
			"rooms the first --talkers say tones, and some calls decode a mix and look for these. Without\n" +
			"--duration it lasts until Ctrl+C. Exit code 1: calls were not held, or what came back was wrong.\n\n" +
			"--dest, --server, --codec, --frame, --bitrate, --complexity and --dtx count, of the servers the first.",
		Example: "  softphone swarm --calls 300 --duration 60s\n" +
			"  softphone swarm --calls 100 --dest room/load --rooms 10 --duration 60s --json\n" +
			"  softphone swarm --calls 1000 --streams-per-conn 50 --ramp 10s",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.runSwarm(cmd, &cfg)
			return p.accountSwarm(r, err, asJSON)
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Calls, "calls", 0, fmt.Sprintf("`number` of calls, 1 to %d", swarm.MaxCalls))
	f.IntVar(&cfg.Rooms, "rooms", 1, "`number` of rooms for the calls, NAME-1, NAME-2 and so on if more than one")
	f.IntVar(&cfg.Talkers, "talkers", 3, fmt.Sprintf("`number` of calls in each room that talk, 0 to %d", swarm.MaxTalkers))
	f.IntVar(&cfg.Speakers, "speakers", 3, "`number` of talkers in a room that the server lets be heard")
	f.DurationVar(&cfg.Duration, "duration", 0, "measure so long after the calls were answered, such as `60s`")
	f.DurationVar(&cfg.Ramp, "ramp", 2*time.Second, "`time` over which the calls begin")
	f.IntVar(&cfg.Streams, "streams-per-conn", 1, fmt.Sprintf("`number` of calls on each connection, 1 to %d", swarm.MaxStreams))
	f.BoolVar(&asJSON, "json", false, "print the figures as one JSON object, also when the swarm failed")
	return cmd
}

func (p *program) runSwarm(cmd *cobra.Command, cfg *swarm.Config) (swarm.Report, error) {
	if err := p.load(cmd, swarmFlags...); err != nil {
		return swarm.Report{}, err
	}
	var err error
	if cfg.Codec, err = codec.NewRegistry(opus.Codec{}, pcm.Codec{}).Lookup(p.cfg.Codec); err != nil {
		return swarm.Report{}, usageError{err}
	}
	access, err := p.newAccess()
	if err != nil {
		return swarm.Report{}, err
	}
	access.Say = func(n callstate.Notice) { fmt.Fprintln(p.stderr, n.Text) }
	for _, n := range p.concerns() {
		access.Say(n)
	}
	cfg.Server, cfg.Connect, cfg.Progress = p.cfg.Servers[0], access.Connect, p.stderr
	cfg.Destination, cfg.Options, cfg.DTX = p.cfg.Dest, p.cfg.Options(), p.cfg.DTX
	if err := cfg.Check(); err != nil {
		return swarm.Report{}, usageError{err}
	}
	return swarm.Run(cmd.Context(), *cfg)
}

// accountSwarm prints the figures and passes the error on.
func (p *program) accountSwarm(r swarm.Report, err error, asJSON bool) error {
	if err != nil {
		r.Error = err.Error()
	}
	if asJSON {
		return errors.Join(err, printJSON(p.stdout, r))
	}
	if r.Calls == 0 { // it did not begin
		return err
	}
	return errors.Join(err, r.Write(p.stdout))
}
