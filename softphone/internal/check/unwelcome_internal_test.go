package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"callcenter/softphone/internal/phone"
)

func TestNobodyIsSentToLookForACableWhereTheServerRefuses(t *testing.T) {
	for err, want := range map[error]string{
		fmt.Errorf("refused: %w", phone.ErrUnwelcome): "Do what this says",
		errors.New("cannot be reached"):               "check the network cable",
	} {
		l := new(link)
		l.outcome.Store(&placed{err: err})
		if v := l.serverView([]string{"desk:1"}); v.finding != err.Error() || !strings.Contains(v.advice, want) {
			t.Errorf("%v: %+v", err, v)
		}
	}
}
