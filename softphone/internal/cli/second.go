package cli

import (
	"encoding/json"
	"slices"
)

// second is a row of a black box's seconds.csv, by its columns.
type second map[string]string

// MarshalJSON gives scripts what a table of texts cannot: figures are numbers,
// switches true or false, and what is not known is null.
func (s second) MarshalJSON() ([]byte, error) {
	texts := []string{"state", "link", "microphone", "microphone_end", "earpiece", "earpiece_end", "troubles", "stages"}
	switches := []string{"muted", "held", "speaking"}
	values := make(map[string]any, len(s))
	for name, cell := range s {
		switch {
		case slices.Contains(texts, name):
			values[name] = cell
		case cell == "":
			values[name] = nil
		case slices.Contains(switches, name):
			values[name] = cell == "1"
		case json.Valid([]byte(cell)):
			values[name] = json.RawMessage(cell)
		default:
			values[name] = cell
		}
	}
	return json.Marshal(values)
}
