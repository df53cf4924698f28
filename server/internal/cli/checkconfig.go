package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callcenter/server/internal/config"
)

// configReport is what check-config says, as scripts read it.
type configReport struct {
	File     string          `json:"file"`       // "" if none is named
	Found    bool            `json:"file_found"` // it is there
	Settings []settingReport `json:"settings"`
	Would    []string        `json:"would"`    // what the server would do, for people
	Warnings []string        `json:"warnings"` // never null, as the next
	Errors   []string        `json:"errors"`
}

type settingReport struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`
	Source string `json:"source"`          // flag, environment, file or default
	Where  string `json:"where,omitempty"` // the flag, the variable or the path
}

// checkConfigCommand is the command that looks at the settings and starts nothing.
func checkConfigCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the settings and all that they name, and say what the server would do",
		Long: "Check-config takes the flags, the environment and the file that a start takes, and checks all that a\n" +
			"start would: addresses, certificates, keys, limits. It listens nowhere and writes nothing. It shows every\n" +
			"setting with where it came from, and what the server would do. Exit code 0: it would start; 2: it would\n" +
			"not, and standard error has each reason on a line. Run it before a reload or a restart.",
		Example: "  server check-config --config /etc/callcenter/server.toml\n" +
			"  server check-config --config /etc/callcenter/server.toml --json",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return checkConfig(cmd, asJSON) },
	}
	addSettings(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, also when something is wrong")
	return cmd
}

func checkConfig(cmd *cobra.Command, asJSON bool) error {
	x := examine(cmd.Flags(), lookUp)
	r := configReport{File: config.File(cmd.Flags()), Settings: []settingReport{}, Would: x.lines, Warnings: []string{}, Errors: []string{}}
	if r.File != "" {
		_, err := os.Stat(r.File)
		r.Found = err == nil
	}
	for _, s := range x.list {
		r.Settings = append(r.Settings, settingReport{s.Name, s.Value, s.Source.Kind, s.Source.Name})
	}
	r.Warnings = append(r.Warnings, x.warnings...)
	for _, e := range x.errs {
		r.Errors = append(r.Errors, e.Error())
	}
	var err error
	if asJSON {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(r)
	} else {
		err = x.print(cmd.OutOrStdout(), cmd.ErrOrStderr(), r)
	}
	if err == nil && len(x.errs) > 0 {
		return reportedError{usageError{errors.Join(x.errs...)}}
	}
	return err
}

// print says it for people: the settings and what they lead to on stdout, what is
// wrong with them on stderr.
func (x *examination) print(stdout, stderr io.Writer, r configReport) error {
	if r.File != "" {
		if _, err := fmt.Fprintf(stdout, "Settings file: %s\n\n", r.File); err != nil {
			return err
		}
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SETTING\tVALUE\tFROM") // Flush tells of errors
	for _, s := range x.list {
		from := s.Source.String()
		if s.Source.Kind == "file" {
			from = "file" // the first line names it
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Text(), from)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, e := range x.errs {
		complain(stderr, e, "")
	}
	if len(x.errs) > 0 {
		return nil // what it would do is nothing
	}
	if _, err := fmt.Fprintln(stdout, "\nThe server would"); err != nil {
		return err
	}
	for _, line := range r.Would {
		if _, err := fmt.Fprintln(stdout, "  "+line); err != nil {
			return err
		}
	}
	for _, w := range x.warnings {
		if _, err := fmt.Fprintln(stdout, "Warning: "+w); err != nil {
			return err
		}
	}
	return nil
}
