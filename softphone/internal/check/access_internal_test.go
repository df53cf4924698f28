package check

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

func TestEncryptionAndTokenHaveALineEach(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	token := func(left time.Duration) bearer.Source {
		body := fmt.Sprintf(`{"sub":"ada\u001b[2J","exp":%d}`, now.Add(left).Unix())
		return bearer.Value("YQ." + base64.RawURLEncoding.EncodeToString([]byte(body)) + ".YQ")
	}
	const secret = "encrypted, and the server known: its key is the one of 2026-11-26 (SHA256:x)"
	for name, tt := range map[string]struct {
		view  view
		grade callstate.Grade
		says  string
	}{
		"unknown":    {encryptionView(callstate.Security{}), callstate.GradeNone, "not tested"},
		"open":       {encryptionView(callstate.Security{Known: true}), callstate.GradeWarn, "not encrypted: whoever"},
		"local":      {encryptionView(callstate.Security{Known: true, Local: true}), callstate.GradePass, "on this computer"},
		"first":      {encryptionView(callstate.Security{Known: true, Encrypted: true, First: true, Fingerprint: "SHA256:x"}), callstate.GradeWarn, "its key SHA256:x is remembered"},
		"known":      {encryptionView(callstate.Security{Known: true, Encrypted: true, KnownBy: "its key is the one of 2026-11-26", Fingerprint: "SHA256:x"}), callstate.GradePass, secret},
		"no token":   {tokenView(bearer.Source{}, now), callstate.GradePass, "none is used"},
		"good token": {tokenView(token(100*time.Hour), now), callstate.GradePass, "ada"},
		"soon":       {tokenView(token(8*time.Hour), now), callstate.GradeWarn, "expires on"},
		"expired":    {tokenView(token(-time.Hour), now), callstate.GradeFail, "expired on"},
		"missing":    {tokenView(bearer.File("/nowhere/token"), now), callstate.GradeFail, "/nowhere/token is not there"},
	} {
		v := tt.view
		if v.grade != tt.grade || !strings.Contains(v.finding, tt.says) || (v.advice != "") != (v.grade > callstate.GradePass) || strings.Contains(v.finding, "\x1b") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestARefusalIsNotBlamedOnTheNetwork(t *testing.T) {
	l := &link{}
	l.outcome.Store(&placed{err: &phone.RefusalError{}})
	if v := l.serverView([]string{"a:1"}); v.grade != callstate.GradeFail || !strings.Contains(v.advice, "network is not the cause") {
		t.Errorf("%+v", v)
	}
	l.outcome.Store(&placed{err: errors.New("it cannot be reached")})
	if v := l.serverView([]string{"a:1"}); !strings.Contains(v.advice, "network cable") {
		t.Errorf("%+v", v)
	}
}
