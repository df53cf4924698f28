package callstate

import (
	"errors"
	"testing"
)

func TestAnErrorIsASentenceOnOneLine(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("the file is damaged"), "The file is damaged."},
		{errors.New("äußerst damaged"), "Äußerst damaged."},
		{errors.Join(errors.New("/a is gone"), errors.New("close /a")), "/a is gone; close /a."},
	} {
		if got := Sentence(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

func TestHowOftenIsAWordWhereThereIsOne(t *testing.T) {
	for n, want := range []string{"0 times", "once", "twice", "3 times"} {
		if got := Times(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
