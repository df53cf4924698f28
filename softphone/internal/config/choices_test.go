package config

import "testing"

func TestEveryChoiceIsTakenAndAnotherIsNot(t *testing.T) {
	for name, values := range Choices() {
		for _, value := range values {
			if name == "denoise" && value == on {
				continue // not in every build
			}
			if _, err := load(t, "", "--"+name, value); err != nil {
				t.Errorf("%s %s: %v", name, value, err)
			}
		}
		if name == "frame" {
			continue // a duration
		}
		if _, err := load(t, "", "--"+name, values[0]+"x"); err == nil {
			t.Errorf("%s %sx is taken", name, values[0])
		}
	}
}
