package cli

import (
	"encoding/json"
	"io"
)

// printJSON prints v for scripts, as one indented value.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
