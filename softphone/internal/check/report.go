package check

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"callcenter/softphone/internal/callstate"
)

// Line is one line of a Report, with its figures as numbers.
type Line struct {
	callstate.CheckLine
	Figures map[string]float64
}

// Report is the outcome of a check.
type Report struct {
	Grade         callstate.Grade // the worst of Lines
	Lines         []Line
	Version       string // of the softphone
	Server        string // that answered; "" if none did
	ServerVersion string // "": it did not tell
	Error         string // why there was no check
}

// MarshalJSON is what `softphone check --json` prints. The grade of a check that
// was none is FAIL.
func (r Report) MarshalJSON() ([]byte, error) {
	grade := r.Grade
	if r.Error != "" {
		grade = callstate.GradeFail
	}
	type line struct {
		Key     string             `json:"key"`
		Title   string             `json:"title"`
		Grade   string             `json:"grade"`
		Finding string             `json:"finding"`
		Advice  string             `json:"advice"`
		Figures map[string]float64 `json:"figures"`
	}
	lines := make([]line, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = line{l.Key, l.Title, word(l.Grade), l.Finding, l.Advice, l.Figures}
		if lines[i].Figures == nil {
			lines[i].Figures = map[string]float64{}
		}
	}
	return json.Marshal(struct {
		Grade         string  `json:"grade"`
		Lines         []line  `json:"lines"`
		Version       string  `json:"version"`
		Server        *string `json:"server"`
		ServerVersion *string `json:"server_version"`
		Error         string  `json:"error,omitempty"`
	}{word(grade), lines, r.Version, known(r.Server), known(r.ServerVersion), r.Error})
}

// known is a text for scripts, null if there is none.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// word is a grade for scripts.
func word(g callstate.Grade) string {
	if g == callstate.GradeNone {
		return "NOT_TESTED"
	}
	return g.String()
}

// lines collects what is found.
type lines struct{ list []Line }

// add adds a line.
func (l *lines) add(key, title string, v view) {
	advice := v.advice
	if v.grade == callstate.GradePass || v.grade == callstate.GradeNone {
		advice = ""
	}
	l.list = append(l.list, Line{
		CheckLine: callstate.CheckLine{Key: key, Title: title, Grade: v.grade, Finding: v.finding, Advice: advice},
		Figures:   v.figures,
	})
}

// worst is the worst grade of all lines.
func (l *lines) worst() callstate.Grade {
	worst := callstate.GradeNone
	for _, line := range l.list {
		worst = max(worst, line.Grade)
	}
	return worst
}

// view is what is said of one thing.
type view struct {
	grade   callstate.Grade
	finding string
	advice  string
	figures figures
}

// figures are numbers by their names, which end with their units.
type figures map[string]float64

func pass(f figures, format string, args ...any) view {
	return view{grade: callstate.GradePass, finding: fmt.Sprintf(format, args...), figures: f.rounded()}
}

// but is a view with another grade and advice.
func (v view) but(g callstate.Grade, advice string) view {
	v.grade, v.advice = g, advice
	return v
}

// untested is a thing that could not be judged.
func untested(format string, args ...any) view {
	return view{finding: "not tested: " + fmt.Sprintf(format, args...)}
}

func (f figures) rounded() figures {
	for k, v := range f {
		f[k] = math.Round(v*100) / 100
	}
	return f
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
