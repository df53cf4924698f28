package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"callcenter/api/wire"
	"callcenter/softphone/internal/callstate"
)

const (
	maxFavourites = 9 // for the keys 1 to 9
	maxContacts   = 500
	maxName       = 64 // characters
)

// directoryFlags binds the settings of the operator's screen.
func (c *Config) directoryFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&c.favourites, "favourite", nil, "whom a key from 1 to 9 dials, `[NAME=]DEST[,...]`; may be repeated")
	fs.StringSliceVar(&c.contacts, "contact", nil, "whom the dial prompt finds by name, `NAME=DEST[,...]`; may be repeated")
}

// Favourites are whom the keys 1 to 9 dial.
func (c *Config) Favourites() []callstate.Contact { return contacts(c.favourites) }

// Contacts are whom the dial prompt finds by name.
func (c *Config) Contacts() []callstate.Contact { return contacts(c.contacts) }

func contacts(list []string) []callstate.Contact {
	parsed := make([]callstate.Contact, 0, len(list))
	for _, text := range list {
		parsed = append(parsed, parseContact(text))
	}
	return parsed
}

// parseContact takes NAME=DEST apart, or DEST. A destination has no "=".
func parseContact(text string) callstate.Contact {
	i := strings.LastIndexByte(text, '=')
	if i < 0 {
		return callstate.Contact{Destination: strings.TrimSpace(text)}
	}
	return callstate.Contact{Name: strings.TrimSpace(text[:i]), Destination: strings.TrimSpace(text[i+1:])}
}

func (c *Config) checkDirectory() error {
	switch {
	case len(c.favourites) > maxFavourites:
		return fmt.Errorf("favourite: %d are named, and there are keys for %d", len(c.favourites), maxFavourites)
	case len(c.contacts) > maxContacts:
		return fmt.Errorf("contact: %d are named, more than %d", len(c.contacts), maxContacts)
	}
	for _, f := range c.favourites {
		if err := checkContact(f, false); err != nil {
			return fmt.Errorf("favourite %.80q: %w", f, err)
		}
	}
	seen := make(map[string]string, len(c.contacts))
	for _, text := range c.contacts {
		if err := checkContact(text, true); err != nil {
			return fmt.Errorf("contact %.80q: %w", text, err)
		}
		contact := parseContact(text)
		key := strings.ToLower(contact.Name)
		if dest, taken := seen[key]; taken && dest != contact.Destination {
			return fmt.Errorf("contact %q is named twice, as %s and as %s", contact.Name, dest, contact.Destination)
		}
		seen[key] = contact.Destination
	}
	return nil
}

// checkContact refuses what cannot be dialed, and names that are none.
func checkContact(text string, named bool) error {
	contact := parseContact(text)
	switch {
	case contact.Name == "" && (named || strings.Contains(text, "=")):
		return errors.New("it has no name: use NAME=DEST, for instance Desk=room/desk")
	case len([]rune(contact.Name)) > maxName:
		return fmt.Errorf("its name is longer than %d characters: shorten it", maxName)
	case strings.IndexFunc(contact.Name, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }) >= 0:
		return errors.New("its name has characters that cannot be shown")
	}
	return wire.CheckDestination(contact.Destination)
}

// RecallFile is where the softphone keeps what it remembers from run to run.
func RecallFile() (string, error) {
	dir, err := StateDir()
	if err != nil {
		return "", err
	}
	return dir + string(os.PathSeparator) + "recall.json", nil
}
