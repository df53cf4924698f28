package background

import "testing"

func TestDarkReadsTheLastNumber(t *testing.T) {
	tests := map[string]bool{
		"": true, "15;0": true, "0;15": false, "0;7": false, "0;default;15": false, "7;8": true, "x": true,
	}
	for value, want := range tests {
		if got := Dark(value); got != want {
			t.Errorf("COLORFGBG=%q: dark %v, want %v", value, got, want)
		}
	}
}
