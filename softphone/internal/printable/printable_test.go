package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"callcenter/softphone/internal/printable"
)

func TestATextFromOutsideIsOneSafeLine(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{" Ada\tLovelace \n", "Ada Lovelace"},
		{"\x1b[2J\x1b[31mred\x1b[0m", "red"},
		{"a\x07\x00\u202eb\u200bc", "abc"},
		{"e\u0301\u0301\u0301\u0301", "e\u0301\u0301"},
		{"\u0301\u093ee \u0301e", "e e"},
		{"กำลังโทร น้ำ", "กำลังโทร น้ำ"},
		{"🏽 👍🏽", "👍🏽"},
		{"a\u0d4e", "a"},
		{strings.Repeat("x", 5000), strings.Repeat("x", printable.Longest)},
	} {
		if got := printable.Clean(c.from); got != c.want {
			t.Errorf("%q: %q, want %q", c.from, got, c.want)
		}
	}
}

// A text takes as many cells wherever it is: with what is drawn next to it, too.
func TestNoCharacterMakesOneWithWhatIsBesideIt(t *testing.T) {
	for r := range unicode.MaxRune + 1 {
		s := printable.Drawable(string(r))
		if s == "" || s == " " {
			continue
		}
		for _, beside := range []string{" ", "a", "─"} {
			if ansi.StringWidth(s+beside) != ansi.StringWidth(s)+1 || ansi.StringWidth(beside+s) != ansi.StringWidth(s)+1 {
				t.Errorf("%U and %q", r, beside)
			}
		}
	}
}

func TestASpellingIsOfASCIIOnly(t *testing.T) {
	sp := printable.NewSpelling()
	for from, want := range map[string]string{
		"plain":          "plain",
		"Zoë Ångström …": "Zoe Angstrom .",
		"e\u0301 – 長":    "e - ?",
	} {
		if got := sp.Text(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
	if got := printable.Spelling(nil).Text("Zoë"); got != "Zoë" {
		t.Errorf("without a spelling: %q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b]0;title\x07 name")
	sp := printable.NewSpelling()
	f.Fuzz(func(t *testing.T, s string) {
		line := printable.Clean(s)
		if utf8.RuneCountInString(line) > 512 || strings.ContainsAny(line, "\n\r\x1b\u009b\x00\x07\x7f") {
			t.Errorf("%q", line)
		}
		for _, r := range sp.Text(line) {
			if r < ' ' || r > '~' {
				t.Fatalf("%q in ASCII has %q", line, r)
			}
		}
	})
}
