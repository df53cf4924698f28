package settings

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// commentWidth is how many characters a comment in a settings file has at most.
const commentWidth = 90

// Template returns a settings file that begins with intro, as a comment, and has
// every setting of flags in the order of VisitAll: what it means and its value.
// A setting that the command line gave is in force in it, the others are
// commented out with their default, so flags must have been parsed and not been
// loaded. skip names flags that are no settings, as in Options. It fails for a
// text that no TOML file can hold.
func Template(flags *pflag.FlagSet, intro string, skip ...string) ([]byte, error) {
	s := newSchema(flags, Options{Skip: skip})
	var b strings.Builder
	comment(&b, intro)
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if s.settings[f.Name] == nil || err != nil {
			return
		}
		var value string
		if value, err = TOML(f); err != nil {
			err = fmt.Errorf("setting %s: %w", f.Name, err)
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		b.WriteByte('\n')
		comment(&b, sentence(usage))
		if !f.Changed {
			b.WriteByte('#')
		}
		b.WriteString(f.Name + " = " + value + "\n")
	})
	return []byte(b.String()), err
}

// comment writes text as comments, a line at least for each of its lines.
func comment(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		width := 0
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word) + 1
			switch {
			case width == 0:
				b.WriteString("#")
			case width+n > commentWidth:
				b.WriteString("\n#")
				width = 0
			}
			b.WriteString(" " + word)
			width += n
		}
		if width == 0 {
			b.WriteString("#")
		}
		b.WriteByte('\n')
	}
}

// sentence is a flag's usage as one.
func sentence(usage string) string {
	first, n := utf8.DecodeRuneInString(usage)
	if n == 0 || strings.HasSuffix(usage, ".") {
		return usage
	}
	return strings.ToUpper(string(first)) + usage[n:] + "."
}

// TOML is the value of a flag as a settings file has it. It fails for a text that is
// not UTF-8.
func TOML(f *pflag.Flag) (string, error) {
	switch v := typed(f).(type) {
	case []string:
		return tomlList(v, strings.TrimSuffix(strings.TrimSuffix(f.Value.Type(), "Slice"), "Array"))
	case string:
		return tomlText(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// tomlList is a list of elements of a flag's type as TOML.
func tomlList(list []string, of string) (string, error) {
	elements := make([]string, 0, len(list))
	for _, text := range list {
		if of == "string" || of == "duration" {
			quoted, err := tomlText(text)
			if err != nil {
				return "", err
			}
			text = quoted
		}
		elements = append(elements, text)
	}
	return "[" + strings.Join(elements, ", ") + "]", nil
}

// tomlText is a basic string of TOML.
func tomlText(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%q is no UTF-8 text", s)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ', r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}
