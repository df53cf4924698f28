package tui

import (
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"callcenter/softphone/internal/callstate"
)

// recent is for how long after a trouble the key that keeps its evidence stands
// out: as long as the black box remembers it.
const recent = time.Minute

// mostPicture bounds the picture of the screen in a black box, in bytes.
const mostPicture = 64 << 10

// saveBlackBox keeps the last minute of the call with what the screen shows now.
// What the phone says of it may take many lines until the next key.
func (m *model) saveBlackBox() {
	m.remark = remark{} // which may hold digits
	m.phone.SaveBlackBox(shorter(ansi.Strip(m.evident())))
	m.saved = true
}

// evident is the picture of the screen that a black box holds: without what is
// nobody's business, and without other calls, in whose place this one's figures
// stand.
func (m *model) evident() string {
	shown := *m
	if shown.notice.Private {
		shown.notice = callstate.Notice{}
	}
	if shown.mode == modeHistory || shown.mode == modeHelp {
		shown.mode = modeCall
	}
	return shown.View()
}

// shorter cuts a text at mostPicture, between two characters.
func shorter(s string) string {
	if len(s) <= mostPicture {
		return s
	}
	at := mostPicture
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at]
}

// saveable reports a call whose last minute can be kept: one that goes on, or went
// on before.
func saveable(s *callstate.Snapshot) bool {
	return s.State != callstate.Idle || s.Duration > 0
}

// suffer notes that the call suffers now.
func (m *model) suffer() {
	if m.snap.State != callstate.Idle && len(m.snap.Verdict.Troubles) > 0 {
		m.suffered = m.now
	}
}

// suffers reports that the call suffers, or did within its last minute.
func (m *model) suffers() bool {
	return !m.suffered.IsZero() && m.now.Sub(m.suffered) < recent
}
