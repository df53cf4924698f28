package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callcenter/softphone/internal/sound"
)

// devices is the command that lists what a call could use.
func (p *program) devices() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List microphones and earpieces",
		Long: "Devices lists what --capture and --playback can name. A monitor records what a loudspeaker plays;\n" +
			"it is never picked by itself.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.load(cmd, "json"); err != nil {
				return err
			}
			list, err := sound.Devices(cmd.Context(), nil)
			if asJSON {
				return p.devicesJSON(list, err)
			}
			if err != nil {
				return err
			}
			return p.devicesTable(list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func (p *program) devicesJSON(list []sound.Info, err error) error {
	if err != nil {
		return err
	}
	if list == nil {
		list = []sound.Info{}
	}
	return printJSON(p.stdout, list)
}

func (p *program) devicesTable(list []sound.Info) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "DIRECTION\tNAME\tID\t"); err != nil {
		return err
	}
	for _, d := range list {
		mark := ""
		switch {
		case d.Default && d.Monitor:
			mark = "default, but a monitor: not used"
		case d.Default:
			mark = "default"
		case d.Monitor:
			mark = "monitor"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Direction, d.Name, d.ID, mark); err != nil {
			return err
		}
	}
	return w.Flush()
}

// missingSound says in a sentence what a call would lack for sound, or "".
func missingSound(ctx context.Context, c *choices) string {
	if c.spec(sound.Capture) != "" && c.spec(sound.Playback) != "" {
		return ""
	}
	list, err := sound.Devices(ctx, nil)
	for _, dir := range []sound.Direction{sound.Capture, sound.Playback} {
		if err != nil || c.spec(dir) != "" {
			continue
		}
		if _, chosen := c.Chosen(list, dir); !chosen {
			_, err = sound.Default(list, dir)
		}
	}
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%v. To call without a device, start with --capture tone:440 --playback null.", err)
}
