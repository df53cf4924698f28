package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/sound"
)

// maxPad is how many cells of a table's column a short text is padded to at most;
// what is longer pushes the rest of its line.
const maxPad = 40

// settingsReport is what config says, as scripts read it.
type settingsReport struct {
	File     string          `json:"file"`       // that was looked for
	Found    bool            `json:"file_found"` // it is there
	Settings []settingReport `json:"settings"`
	Errors   []string        `json:"errors"` // what is wrong; never null
}

type settingReport struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`
	Source string `json:"source"`          // flag, environment, file or default
	Where  string `json:"where,omitempty"` // the flag, the variable or the path
}

// config is the command that shows the settings.
func (p *program) config() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show every setting, its value and where it came from",
		Long: "Config shows every setting, its value and where that came from: a flag, an environment variable, the\n" +
			"settings file or the default; and what is wrong with them, with exit code 2. What was chosen on the\n" +
			"screen (devices, gains) is remembered elsewhere: it wins over a default here and over nothing else.",
		Example: "  softphone config\n" +
			"  softphone config --json\n" +
			"  softphone config init --server desk.example:50051 --name Ada",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.showSettings(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, also when something is wrong")
	cmd.AddCommand(p.configInit())
	return cmd
}

// settingFlags are the flags that are settings, in the order in which they are
// declared: what belongs together stands together.
func settingFlags(cmd *cobra.Command) *pflag.FlagSet {
	fs := cmd.Root().PersistentFlags()
	fs.SortFlags = false
	return fs
}

func (p *program) showSettings(cmd *cobra.Command, asJSON bool) error {
	fs := settingFlags(cmd)
	list, mistakes := p.cfg.Show(fs)
	if err := sound.Check(p.cfg.Capture, p.cfg.Playback); err != nil {
		mistakes = append(mistakes, err)
	}
	file, _ := p.cfg.File(fs)
	_, err := os.Stat(file)
	r := settingsReport{File: file, Found: err == nil, Settings: []settingReport{}, Errors: []string{}}
	for _, s := range list {
		r.Settings = append(r.Settings, settingReport{s.Name, s.Value, s.Source.Kind, s.Source.Name})
	}
	if token := p.tokenSetting(); token != nil {
		list = append(list, *token)
		r.Settings = append(r.Settings, settingReport{token.Name, token.Value, token.Source.Kind, token.Source.Name})
	}
	for _, m := range mistakes {
		r.Errors = append(r.Errors, m.Error())
	}
	if asJSON {
		err = printJSON(p.stdout, r)
	} else {
		err = p.settingsTable(list, r)
	}
	if err == nil && len(mistakes) > 0 {
		return reportedError{usageError{errors.Join(mistakes...)}}
	}
	return err
}

// tokenSetting says that there is a token in the environment, and nothing of it;
// nil: there is none.
func (p *program) tokenSetting() *settings.Setting {
	if os.Getenv(bearer.Variable) == "" {
		return nil
	}
	return &settings.Setting{
		Name: "token", Value: "(set, not shown)",
		Source: settings.Source{Kind: "environment", Name: bearer.Variable},
	}
}

func (p *program) settingsTable(list []settings.Setting, r settingsReport) error {
	rows := make([][3]string, 0, len(list)+1)
	rows = append(rows, [3]string{"SETTING", "VALUE", "FROM"})
	for _, s := range list {
		from := s.Source.String()
		if s.Source.Kind == "file" {
			from = "file" // the first line names it
		}
		rows = append(rows, [3]string{s.Name, s.Text(), from})
	}
	note := ""
	if !r.Found {
		note = " (not there; softphone config init writes one)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Settings file: %s%s\n\n", r.File, note)
	table(&b, rows)
	if _, err := io.WriteString(p.stdout, b.String()); err != nil {
		return err
	}
	for _, m := range r.Errors {
		if _, err := fmt.Fprintf(p.stderr, "softphone: %s\n", m); err != nil {
			return err
		}
	}
	return nil
}

// table writes rows whose columns begin below each other.
func table(b *strings.Builder, rows [][3]string) {
	var width [3]int
	for _, row := range rows {
		for i, text := range row {
			width[i] = max(width[i], min(runewidth.StringWidth(text), maxPad))
		}
	}
	for _, row := range rows {
		for i, text := range row {
			if i < len(row)-1 {
				text += strings.Repeat(" ", max(0, width[i]-runewidth.StringWidth(text))+2)
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
}

// configInit is the command that writes a settings file.
func (p *program) configInit() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a settings file that explains every setting",
		Long: "Init writes a settings file with every setting, what it means and its default, commented out; settings\n" +
			"that are given as flags are in force in it. It goes where softphone looks for it, or to --config FILE.\n" +
			"A file that is there is never overwritten: --force keeps it beside the new one, with .old to its name.",
		Example: "  softphone config init\n" +
			"  softphone config init --server desk.example:50051 --name Ada --favourite Support=room/support",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.writeSettings(cmd, force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "write it although there is one, which is kept aside")
	return cmd
}

func (p *program) writeSettings(cmd *cobra.Command, force bool) error {
	fs := settingFlags(cmd)
	file, _ := p.cfg.File(fs)
	if file == "" {
		return usageError{errors.New("there is no place for a settings file: set XDG_CONFIG_HOME or HOME, or name the file with --config")}
	}
	err := sound.Check(p.cfg.Capture, p.cfg.Playback)
	var text []byte
	if err == nil {
		text, err = p.cfg.Template(fs)
	}
	if err != nil {
		return usageError{err}
	}
	aside, err := config.Write(file, text, force)
	switch {
	case errors.Is(err, config.ErrExists):
		return fmt.Errorf("%w; --force writes a new one and keeps that beside it", err)
	case err != nil:
		return err
	}
	if aside != "" {
		if _, err := fmt.Fprintf(p.stdout, "The old settings file is now %s\n", aside); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "Wrote %s: softphone config shows what is in force.\n", file)
	return err
}
