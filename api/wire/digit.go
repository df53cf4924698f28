package wire

import "strings"

// digits are the keys of a telephone's keypad (ITU-T Q.23).
const digits = "0123456789*#ABCD"

// Digit reads the digit of an event. It reports false for what is none.
func Digit(s string) (byte, bool) {
	if len(s) != 1 || !strings.Contains(digits, s) {
		return 0, false
	}
	return s[0], true
}
