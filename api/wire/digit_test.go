package wire

import (
	"strings"
	"testing"
)

func TestADigitIsOneKeyOfAKeypad(t *testing.T) {
	for _, s := range strings.Split("0123456789*#ABCD", "") {
		if d, ok := Digit(s); !ok || string(d) != s {
			t.Errorf("%q is read as %q, %v", s, d, ok)
		}
	}
	for _, s := range []string{"", "a", "E", "12", " ", "5\n", "٣", "\x00", "-", strings.Repeat("5", 1<<20)} {
		if d, ok := Digit(s); ok {
			t.Errorf("%.8q is read as %q", s, d)
		}
	}
}
