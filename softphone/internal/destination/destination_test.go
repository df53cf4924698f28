package destination_test

import (
	"strings"
	"testing"

	"callcenter/softphone/internal/destination"
)

func TestWhatCanBeNoDestinationIsASentence(t *testing.T) {
	for entry, want := range map[string]string{
		"4711":                            `"4711" is no destination: type echo, tone or room/NAME.`,
		"room/":                           "A room needs a name: room/NAME.",
		"room/Sales":                      "The name of a room has small letters only: room/sales?",
		"room/Sales 2":                    "The name of a room has a-z 0-9 . _ - only, not 'S'.",
		"room/a b":                        "The name of a room has a-z 0-9 . _ - only, not ' '.",
		"room/ä":                          "The name of a room has a-z 0-9 . _ - only, not 'ä'.",
		"room/" + strings.Repeat("a", 65): "The name of a room has at most 64 characters, this one has 65.",
		"room/" + strings.Repeat("a", 64): "",
		"room/a.b_c-9":                    "",
		"echo":                            "",
		"tone":                            "",
		"Echo":                            `"Echo" is no destination: type echo, tone or room/NAME.`,
	} {
		if got := destination.Fault(entry); got != want {
			t.Errorf("%q: %q, want %q", entry, got, want)
		}
	}
}

func TestWhatBeginsADestinationIsKnown(t *testing.T) {
	for entry, want := range map[string]bool{"": true, "ec": true, "room": true, "room/": true, "tone": true, "room/a": false, "x": false} {
		if got := destination.Begun(entry); got != want {
			t.Errorf("%q: %v, want %v", entry, got, want)
		}
	}
}
