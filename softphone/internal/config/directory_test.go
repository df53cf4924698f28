package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"callcenter/softphone/internal/callstate"
)

func TestFavouritesAndContactsAreListsWhereverTheyAreNamed(t *testing.T) {
	want := []callstate.Contact{{Name: "The = Desk", Destination: "room/desk"}, {Name: "Test", Destination: "echo"}}
	for name, tt := range map[string]struct {
		file, env string
		args      []string
	}{
		"a flag that is repeated": {args: []string{"--contact", "The = Desk=room/desk", "--contact", " Test = echo"}},
		"a flag with commas":      {args: []string{"--contact", "The = Desk=room/desk,Test=echo"}},
		"the environment":         {env: "The = Desk=room/desk,Test=echo"},
		"a list in the file":      {file: `contact = ["The = Desk=room/desk", "Test=echo"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOFTPHONE_CONTACT", tt.env)
			c, err := load(t, tt.file, tt.args...)
			if err != nil || !slices.Equal(c.Contacts(), want) {
				t.Errorf("contacts %+v, %v", c.Contacts(), err)
			}
		})
	}
	c, err := load(t, `favourite = ["echo", "Desk=room/desk"]`)
	if err != nil || !slices.Equal(c.Favourites(), []callstate.Contact{{Destination: "echo"}, {Name: "Desk", Destination: "room/desk"}}) {
		t.Errorf("favourites %+v, %v", c.Favourites(), err)
	}
}

func TestContactsThatCannotBeAreRefusedByName(t *testing.T) {
	ten := make([]string, 0, 20)
	for i := range 10 {
		ten = append(ten, "--favourite", fmt.Sprintf("room/r%d", i))
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a favourite that is no destination": {[]string{"--favourite", "somebody"}, `favourite "somebody": "somebody" is no destination: use echo`},
		"ten favourites":                     {ten, "10 are named, and there are keys for 9"},
		"a contact without a name":           {[]string{"--contact", "echo"}, "NAME=DEST"},
		"a contact with an empty name":       {[]string{"--contact", "=echo"}, "NAME=DEST"},
		"a contact without a destination":    {[]string{"--contact", "Desk="}, "no destination"},
		"a room with capitals":               {[]string{"--contact", "Desk=room/Desk"}, "a-z"},
		"a name without end":                 {[]string{"--contact", strings.Repeat("x", 65) + "=echo"}, "64"},
		"a name that moves the cursor":       {[]string{"--contact", "a\x1b[2J=echo"}, "cannot be shown"},
		"a name twice":                       {[]string{"--contact", "Desk=echo", "--contact", "desk=tone"}, `"desk" is named twice, as echo and as tone`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, "", tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestWhatWasGivenIsKnown(t *testing.T) {
	t.Setenv("SOFTPHONE_EAR_VOLUME", "0")
	c, err := load(t, "bitrate = 24000\n", "--complexity", "9")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ear-volume": true, "bitrate": true, "complexity": true, "microphone-gain": false} {
		if c.Given(name) != want {
			t.Errorf("%s was given: %v, want %v", name, !want, want)
		}
	}
}
