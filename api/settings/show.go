package settings

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// Setting is one setting as it is in force.
type Setting struct {
	Name   string
	Value  any // a bool, int64, uint64, float64, string (durations too) or []string
	Source Source
}

// How much of a list Text has.
const (
	listedElements = 4
	listedRunes    = 60
)

// Show settles the settings as Load does and goes on past mistakes, each of
// which leaves its setting to a weaker source. It returns every setting in the
// order of flags.VisitAll, and the mistakes, each of one line.
func Show(flags *pflag.FlagSet, o Options) ([]Setting, []error) {
	values, mistakes := settle(flags, o)
	var list []Setting
	flags.VisitAll(func(f *pflag.Flag) {
		if source, known := values.source[f.Name]; known {
			list = append(list, Setting{Name: f.Name, Value: typed(f), Source: source})
		}
	})
	return list, mistakes
}

// typed is a flag's value in the type that a file or a script has for it.
func typed(f *pflag.Flag) any {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return append([]string{}, list.GetSlice()...)
	}
	text := f.Value.String()
	var (
		value any
		err   error
	)
	switch typ := f.Value.Type(); {
	case typ == "bool":
		value, err = strconv.ParseBool(text)
	case strings.HasPrefix(typ, "int"), typ == "count":
		value, err = strconv.ParseInt(text, 10, 64)
	case strings.HasPrefix(typ, "uint"):
		value, err = strconv.ParseUint(text, 10, 64)
	case strings.HasPrefix(typ, "float"):
		value, err = strconv.ParseFloat(text, 64)
	default:
		return text
	}
	if err != nil { // a Value of somebody's own, which only resembles that type
		return text
	}
	return value
}

// Text is the value on one line, for people: a text that is empty, has blanks at
// its ends or cannot be printed is quoted, and a long list is cut.
func (s Setting) Text() string {
	switch v := s.Value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []string:
		return listed(v)
	case string:
		return printable(v)
	}
	return ""
}

// listed is the beginning of a list, and how much more there is.
func listed(list []string) string {
	if len(list) == 0 {
		return "(none)"
	}
	var b strings.Builder
	for i, text := range list {
		text = printable(text)
		if i > 0 && (i == listedElements || len([]rune(b.String()+text)) > listedRunes) {
			b.WriteString(" and " + strconv.Itoa(len(list)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text)
	}
	return b.String()
}

func printable(s string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}
