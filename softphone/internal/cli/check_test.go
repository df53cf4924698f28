package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/check"
)

func line(title string, g callstate.Grade, finding, advice string) check.Line {
	return check.Line{CheckLine: callstate.CheckLine{Key: strings.ToLower(title), Title: title, Grade: g, Finding: finding, Advice: advice}}
}

func TestACheckIsToldInAlignedLinesWithItsAdvice(t *testing.T) {
	var out strings.Builder
	p := &program{stdout: &out}
	r := check.Report{Grade: callstate.GradeFail, Lines: []check.Line{
		line("Microphone", callstate.GradePass, "Headset", ""),
		line("Echo", callstate.GradeNone, "not tested: no earpiece", ""),
		line("Link", callstate.GradeWarn, "stalls", "Use a cable."),
		line("Server", callstate.GradeFail, "down", "Ask."),
	}}
	err := p.tellCheck(r, nil, false)
	var told reportedError
	if !errors.As(err, &told) {
		t.Errorf("error %v, want one that was told", err)
	}
	want := `PASS  Microphone  Headset
–     Echo        not tested: no earpiece
WARN  Link        stalls
                  → Use a cable.
FAIL  Server      down
                  → Ask.
FAIL: 1 passed, 1 to look at, 1 failed, 1 not tested
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestACheckWithWarningsSucceeds(t *testing.T) {
	var out strings.Builder
	p := &program{stdout: &out}
	r := check.Report{Grade: callstate.GradeWarn, Lines: []check.Line{line("Link", callstate.GradeWarn, "stalls", "Use a cable.")}}
	if err := p.tellCheck(r, nil, true); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), `"grade": "WARN"`) || !strings.Contains(out.String(), `"advice": "Use a cable."`) {
		t.Error(out.String())
	}
}

func TestACheckOfWrongUsagePrintsItsObjectToo(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for _, args := range [][]string{{"check", "--json", "--codec", "bogus"}, {"check", "--json", "--capture", "tone:0"}} {
		var out, errs strings.Builder
		if code := Run(args, strings.NewReader(""), &out, &errs); code != exitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
		var r struct{ Grade, Error string }
		if err := json.Unmarshal([]byte(out.String()), &r); err != nil || r.Grade != "FAIL" || r.Error == "" {
			t.Errorf("%v: %v, %s", args, err, out.String())
		}
	}
}

func TestEachRequestOfACheckIsMadeOnce(t *testing.T) {
	var out strings.Builder
	p := newPrompter(&out)
	for _, ask := range []string{"Be silent.", "Be silent.", "Speak.", "Speak.", ""} {
		p.show(callstate.Check{Running: true, Ask: ask, Left: time.Second})
	}
	p.end()
	if out.String() != "Be silent.\nSpeak.\n" {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	p = &prompter{w: &out, live: true}
	p.show(callstate.Check{Running: true, Ask: "Speak.", Left: 2 * time.Second, Total: 9 * time.Second, Level: callstate.Meter{Peak: -20}})
	p.end()
	if want := "\r\x1b[KSpeak.\n\r\x1b[K  2 s  ####################            9 s to go\r\x1b[K"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
