package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// DataDir is where is kept what the operator may want to see again, such as the
// history of calls; it is not created here.
func DataDir() (string, error) {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "softphone"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the history of calls (set XDG_DATA_HOME): %w", err)
	}
	return filepath.Join(home, ".local", "share", "softphone"), nil
}
