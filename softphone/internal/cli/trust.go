package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callcenter/softphone/internal/trust"
)

// trustReport is what trust says, as scripts read it.
type trustReport struct {
	File    string        `json:"file"`
	Servers []serverTrust `json:"servers"`         // never null
	Error   string        `json:"error,omitempty"` // the file is damaged, or cannot be read
}

type serverTrust struct {
	Server      string    `json:"server"`
	KnownBy     string    `json:"known_by"` // key or authorities
	Fingerprint string    `json:"fingerprint,omitempty"`
	Since       time.Time `json:"since"`
}

// trust is the command that shows the servers that this softphone knows.
func (p *program) trust() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Show the servers that this softphone knows, by their keys",
		Long: "Trust lists the servers that this softphone knows: by the fingerprint of the key that each had when\n" +
			"it was met, or by this system's authorities. One that comes with another key is refused: somebody\n" +
			"may be in between. If its administrator says that it has a new key, forget it, and compare what the\n" +
			"next call says with what the server prints. With --ca nobody is remembered.",
		Example: "  softphone trust\n" +
			"  softphone trust add desk.example:50051 SHA256:... # as the server printed it\n" +
			"  softphone trust forget desk.example:50051",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return p.showTrust(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.AddCommand(p.trustAdd(), p.trustForget())
	return cmd
}

func (p *program) showTrust(asJSON bool) error {
	known, err := knownServers()
	if err != nil {
		return err
	}
	list, err := known.List()
	r := trustReport{File: known.Path(), Servers: []serverTrust{}}
	rows := [][3]string{{"SERVER", "SINCE", "KNOWN BY"}}
	for _, s := range list {
		t, by := serverTrust{Server: s.Address, KnownBy: "key", Fingerprint: s.Mark, Since: s.Since}, s.Mark
		if s.ByAuthority() {
			t.KnownBy, t.Fingerprint, by = "authorities", "", "this system's authorities"
		}
		r.Servers = append(r.Servers, t)
		rows = append(rows, [3]string{s.Address, s.Since.Local().Format(time.DateTime), by})
	}
	if err != nil {
		r.Error = err.Error()
	}
	if asJSON {
		return errors.Join(err, printJSON(p.stdout, r))
	}
	if len(list) == 0 && err == nil {
		_, err = fmt.Fprintf(p.stdout, "No server is known yet; they will be in %s\n", r.File)
		return err
	}
	var b strings.Builder
	table(&b, rows)
	_, werr := io.WriteString(p.stdout, b.String())
	return errors.Join(err, werr)
}

// trustAdd is the command that makes a server known before it is met.
func (p *program) trustAdd() *cobra.Command {
	return &cobra.Command{
		Use:   "add HOST:PORT FINGERPRINT",
		Short: "Know a server by the fingerprint that it printed",
		Long: "Add remembers the key of a server before the first call to it, so that not even that one can go to\n" +
			"somebody in between. What was known of the server before is forgotten.",
		Example: "  softphone trust add desk.example:50051 SHA256:AbCd...",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := knownServers()
			if err != nil {
				return err
			}
			note, err := known.Add(args[0], args[1], time.Now())
			return p.trustChanged(note, err, "Server "+args[0]+" is known by "+args[1]+" from now on.")
		},
	}
}

// trustForget is the command that forgets a server.
func (p *program) trustForget() *cobra.Command {
	return &cobra.Command{
		Use:   "forget HOST:PORT",
		Short: "Forget a server, which counts as new from then on",
		Long: "Forget forgets the key of a server, so that the next call to it remembers the one that it has then.\n" +
			"Do so only when its administrator says that it has a new key, and compare that: softphone trust add\n" +
			"is safer.",
		Example: "  softphone trust forget desk.example:50051",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := knownServers()
			if err != nil {
				return err
			}
			was, note, err := known.Forget(args[0])
			if err == nil && !was {
				err = fmt.Errorf("server %.80q is not among those known: softphone trust lists them", args[0])
			}
			return p.trustChanged(note, err, "Server "+args[0]+" is forgotten.")
		},
		ValidArgsFunction: first(serversKnown),
	}
}

// trustChanged tells what became of the file of known servers. An address or a
// fingerprint that is none is wrong usage.
func (p *program) trustChanged(note string, err error, done string) error {
	var wrong *trust.UsageError
	if errors.As(err, &wrong) {
		return usageError{err}
	}
	if note != "" {
		fmt.Fprintf(p.stderr, "softphone: %s\n", note)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, done)
	return err
}

// serversKnown completes the servers that can be forgotten.
func serversKnown(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	if known, err := knownServers(); err == nil {
		servers, _ := known.List() // what can be read of it
		for _, s := range servers {
			list = append(list, s.Address)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
