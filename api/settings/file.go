package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	gotoml "github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"

	"callcenter/api/disk"
)

// MaxFile is the most bytes that a settings file may have.
const MaxFile = 1 << 20

// file applies the settings in a TOML file.
func (l *loader) file(path string, required bool) {
	if path == "" {
		return
	}
	b, err := disk.Read(path, MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
	case errors.Is(err, fs.ErrNotExist):
		l.mistake(fmt.Errorf("settings file %s does not exist", path))
	case err != nil:
		l.mistake(fmt.Errorf("read settings file %s: %w", path, disk.Cause(err)))
	default:
		l.parse(path, b)
	}
}

// parse applies the settings in the text of a file.
func (l *loader) parse(path string, text []byte) {
	m, err := toml.Parser().Unmarshal(text)
	if err != nil {
		var de *gotoml.DecodeError
		if errors.As(err, &de) {
			row, col := de.Position()
			l.mistake(fmt.Errorf("parse settings file %s, line %d, column %d: %s", path, row, col, oneLine(de.Error())))
			return
		}
		l.mistake(fmt.Errorf("parse settings file %s: %s", path, oneLine(err.Error())))
		return
	}
	k := koanf.New(delim)
	if err := k.Load(confmap.Provider(m, ""), nil); err != nil {
		l.mistake(fmt.Errorf("read settings file %s: %w", path, err))
		return
	}
	raw := k.Raw()
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		f, known := l.settings[key]
		switch {
		case !known:
			l.mistake(l.unknown(path, key, raw[key]))
		case f != nil:
			l.mistake(l.set(f, raw[key], Source{fromFile, path}))
		}
	}
}

func (l *loader) unknown(path, key string, value any) error {
	if l.skipped[key] {
		return fmt.Errorf("settings file %s: %q can only be given on the command line", path, clip(key))
	}
	what, full := "key", key
	if table, ok := value.(map[string]any); ok {
		what = "table"
		// Most likely the setting's name was split.
		if subs := slices.Sorted(maps.Keys(table)); len(subs) > 0 {
			full = key + "-" + subs[0]
		}
	}
	near, _ := nearest(full, l.names)
	if near == "" {
		return fmt.Errorf("settings file %s: unknown %s %q", path, what, clip(key))
	}
	return fmt.Errorf("settings file %s: unknown %s %q, the nearest setting is %q", path, what, clip(key), near)
}

// assign sets a flag's Value from a text (a variable) or a TOML value, whose
// type must be the flag's.
func assign(f *pflag.Flag, value any) error {
	typ := f.Value.Type()
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return assignList(list, typ, value)
	}
	text, given, ok := scalar(value, typ)
	if !ok {
		return fmt.Errorf("%s is %s, want %s", clip(fmt.Sprint(value)), given, article(typ))
	}
	before := f.Value.String()
	if err := f.Value.Set(text); err != nil {
		_ = f.Value.Set(before) // some types take a part of what they refuse
		return fmt.Errorf("%q is not %s", clip(text), article(typ))
	}
	return nil
}

// assignList sets a list. A list of texts may be one text with commas, as on the
// command line.
func assignList(list pflag.SliceValue, typ string, value any) error {
	var texts []string
	switch v := value.(type) {
	case fromEnv:
		texts = strings.Split(string(v), ",")
	case string:
		if !strings.HasPrefix(typ, "string") {
			return fmt.Errorf("%q is no list", clip(v))
		}
		texts = strings.Split(v, ",")
	case []any:
		for _, e := range v {
			text, given, ok := scalar(e, strings.TrimSuffix(typ, "Slice"))
			if !ok {
				return fmt.Errorf("%s is %s", clip(fmt.Sprint(e)), given)
			}
			texts = append(texts, text)
		}
	default:
		return fmt.Errorf("%s is no list", clip(fmt.Sprint(value)))
	}
	if err := list.Replace(texts); err != nil {
		return fmt.Errorf("%q is not %s", clip(strings.Join(texts, ",")), article(typ))
	}
	return nil
}

// scalar returns a value as a flag's text, what it is in the file, and whether
// a flag of that type takes it. Texts are for every type whose TOML form is a
// text; a variable is always one, and the flag's own Set judges it.
func scalar(value any, typ string) (text, given string, ok bool) {
	number := strings.HasPrefix(typ, "int") || strings.HasPrefix(typ, "uint") || typ == "count"
	switch v := value.(type) {
	case fromEnv:
		return string(v), "a text", true
	case string:
		return v, "a text", !number && typ != "bool" && !strings.HasPrefix(typ, "float")
	case bool:
		return strconv.FormatBool(v), "a boolean", typ == "bool"
	case int64:
		return strconv.FormatInt(v, 10), "a number", number || strings.HasPrefix(typ, "float")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), "a number", strings.HasPrefix(typ, "float")
	case map[string]any:
		return "", "a table", false
	case []any:
		return "", "a list", false
	default:
		return "", "a date or time", false
	}
}

// fromEnv marks a text from the environment, which has only texts.
type fromEnv string

// article names a flag's type for people.
func article(typ string) string {
	switch {
	case typ == "bool":
		return "true or false"
	case typ == "duration":
		return `a duration such as "5s"`
	case typ == "string":
		return "a text"
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "uint"), typ == "count":
		return "a whole number in range"
	case strings.HasPrefix(typ, "float"):
		return "a number"
	case strings.HasSuffix(typ, "Slice"), strings.HasSuffix(typ, "Array"):
		return "a list of its kind"
	default:
		return typ // a Value of ours names what it takes
	}
}

// clip makes a text from a file or variable fit for one line.
func clip(s string) string {
	s = oneLine(s)
	if r := []rune(s); len(r) > 64 {
		return string(r[:64]) + "..."
	}
	return s
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimPrefix(s, "toml: "))
}
