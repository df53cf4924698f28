package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"callcenter/api/settings"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/phone"
)

// keepBoxes makes an operator's phone keep the last minute of a call, unless that
// is switched off.
func (p *program) keepBoxes(cmd *cobra.Command) (func(*phone.Config), error) {
	if !p.cfg.BlackBox {
		return func(*phone.Config) {}, nil
	}
	dir, err := config.DataDir()
	if err != nil {
		return nil, err
	}
	shelf := &blackbox.Shelf{
		Folder: filepath.Join(dir, "blackbox"), Version: settings.Version(), Settings: p.cfg.Evidence(cmd.Flags()),
	}
	return func(c *phone.Config) { c.Boxes = shelf }, nil
}
