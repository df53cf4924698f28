package callstate_test

import (
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestTroublesAreJoinedIntoOneLine(t *testing.T) {
	gone := callstate.Trouble{Text: "earpiece gone 2 min", Effect: "you hear nothing"}
	late := callstate.Trouble{Text: "this computer is late", Effect: "both sides hear gaps"}
	for want, list := range map[string][]callstate.Trouble{
		"":                                      nil,
		"earpiece gone 2 min: you hear nothing": {gone},
		"earpiece gone 2 min: you hear nothing, this computer is late": {gone, late},
		"server busy, earpiece gone 2 min":                             {{Text: "server busy"}, gone},
	} {
		if got := callstate.Join(list); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDurationsAreSpeltShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:              "0.0 s",
		1249 * time.Millisecond: "1.2 s",
		9949 * time.Millisecond: "9.9 s",
		9951 * time.Millisecond: "10 s",
		99 * time.Second:        "99 s",
		2 * time.Minute:         "2 min",
		99 * time.Minute:        "99 min",
		3 * time.Hour:           "3 h",
	} {
		if got := callstate.Spell(d); got != want {
			t.Errorf("%v is spelt %q, want %q", d, got, want)
		}
	}
}
