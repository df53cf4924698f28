package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

const (
	roomy     = 76  // from this width there are margins and long names
	spacious  = 60  // from this width and height a meter has two lines
	tall      = 20  // and a scale
	grand     = 32  // from this height there is air between the sections
	widest    = 120 // wider terminals are not filled
	talkative = 10  // from this height a message may take four lines
)

// panel is a part of the screen. Render returns its lines, none of them wider
// than width, or "" when it has nothing to show.
type panel interface {
	Render(width int) string
}

// elastic is a panel that can do with fewer lines than Render returns, and make
// use of more.
type elastic interface {
	panel
	// RenderIn is Render in so many lines at most.
	RenderIn(width, lines int) string
}

// block is a panel with its claim to the screen: the least claim goes first
// when there is no room.
type block struct {
	panel panel
	claim int
}

// Claims, the strongest first.
const (
	claimHeader = 100 - iota
	claimPrompt
	claimFooter
	claimTrouble
	claimMicrophone
	claimEarpiece
	claimMessage
	claimDelay
	claimRoster
	claimNetwork
	claimLoss
	claimQuality
	claimDevices
	claimServer
	claimRating
	claimRemote
	claimCleanUp
	claimTotals
	claimScale
	claimRule
	claimBlank
	claimStages
	claimAir
)

// View implements tea.Model. It returns exactly height lines, or fewer when
// the screen is tiny, none wider than the terminal.
func (m *model) View() string {
	width := min(m.width, widest)
	margin := ""
	if m.width >= roomy {
		margin = " "
		width -= 2
	}
	upper, lower := m.upper(), m.lower()
	texts := fit(append(upper, lower...), width, m.height)
	var top, bottom []string
	for i, text := range texts {
		if text == "" {
			continue
		}
		lines := strings.Split(text, "\n")
		if i < len(upper) {
			top = append(top, lines...)
		} else {
			bottom = append(bottom, lines...)
		}
	}
	for range m.height - len(top) - len(bottom) {
		top = append(top, "")
	}
	lines := append(top, bottom...)
	lines = lines[:min(len(lines), m.height)]
	for i, line := range lines {
		lines[i] = strings.TrimRight(margin+cut(line, width), " ")
	}
	return strings.Join(lines, "\n")
}

// fit renders the blocks and empties those that a height has no room for.
func fit(blocks []block, width, height int) []string {
	texts := make([]string, len(blocks))
	total := 0
	for i, b := range blocks {
		texts[i] = b.panel.Render(width)
		total += lines(texts[i])
	}
	for total > height {
		least := -1
		for i, b := range blocks {
			if texts[i] != "" && (least < 0 || b.claim <= blocks[least].claim) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		had := lines(texts[least])
		texts[least] = stretch(blocks[least], width, had-min(had, total-height))
		total -= had - lines(texts[least])
	}
	for i, b := range blocks {
		if texts[i] != "" && total < height {
			had := lines(texts[i])
			if _, ok := b.panel.(elastic); ok {
				texts[i] = stretch(b, width, had+height-total)
			}
			total += lines(texts[i]) - had
		}
	}
	return texts
}

// stretch renders a block in so many lines at most, where it can do with them.
func stretch(b block, width, lines int) string {
	e, ok := b.panel.(elastic)
	if !ok || lines == 0 {
		return ""
	}
	return e.RenderIn(width, lines)
}

func lines(text string) int {
	if text == "" {
		return 0
	}
	return 1 + strings.Count(text, "\n")
}

// upper is the screen from the top: the state, then the meters and figures or
// the help.
func (m *model) upper() []block {
	s := &m.snap
	st := &m.styles
	narrow := m.width < roomy
	blocks := []block{{header{st, s, m.destination, m.looks}, claimHeader}, {rule{st}, claimRule}}
	// Under an overlay the header, a message and the footer stay.
	if o := m.overlay(); o != nil {
		return append(blocks, block{o, claimMicrophone})
	}
	large := m.width >= spacious && m.height >= tall
	mic, ear := m.meters(large)
	who := roster{st: st, s: s, most: rosterLines(m.height)}
	full := s.InRoom() && who.overflows(min(m.width, widest)-2)
	air := block{blank{}, claimAir}
	if m.height < grand || full {
		air = block{nothing{}, claimAir}
	}
	blocks = append(blocks, air, block{mic, claimMicrophone})
	if large {
		blocks = append(blocks, block{scale{st}, claimScale})
	}
	blocks = append(blocks, block{ear, claimEarpiece})
	if s.InRoom() {
		if m.height >= grand { // or the roster would move as it grows
			blocks = append(blocks, block{blank{}, claimBlank})
		}
		blocks = append(blocks, block{who, claimRoster})
	}
	blocks = append(blocks, block{blank{}, claimBlank}, air)
	blocks = append(blocks, m.figureBlocks(narrow)...)
	blocks = append(blocks, block{blank{}, claimBlank}, air,
		block{rating{st, s}, claimRating}, block{remote{st, s}, claimRemote},
		block{cleanUp{st, &m.keys, s.CleanUp}, claimCleanUp},
		block{detail{st, "Server", "srv", serverText(s)}, claimServer},
		block{device{st, "Microphone", "mic", s.MicrophoneOpen, s.MicrophoneEnd}, claimDevices},
		block{device{st, "Earpiece", "ear", s.EarpieceOpen, s.EarpieceEnd}, claimDevices})
	if !narrow && m.height >= grand && !full {
		blocks = append(blocks, block{stages{st, s.Delay}, claimStages})
	}
	return blocks
}

// room is how many lines an overlay may take.
func (m *model) room() int {
	if len(m.snap.Troubles()) > 0 {
		return m.height - 4
	}
	return m.height - 3
}

// meters are those of both ends. One that is not open, or stands still, shows no
// level: its ballistics would go on to fall for seconds.
func (m *model) meters(large bool) (mic, ear meter) {
	s, st := &m.snap, &m.styles
	mic = meter{
		st: st, name: "Microphone", short: "mic", level: s.Microphone, open: s.MicrophoneOpen != nil,
		muted: s.Muted, talking: s.Muted && s.TalkingWhileMuted, large: large,
	}
	ear = meter{
		st: st, name: "Earpiece", short: "ear", level: s.Earpiece, open: s.EarpieceOpen != nil,
		protection: s.Protection, large: large,
	}
	if s.State.Connected() {
		mic.ails, mic.ailsShort = ailing(s.MicrophoneEnd, s.Silence)
		ear.ails, ear.ailsShort = ailing(s.EarpieceEnd, callstate.NoSilence)
	}
	if s.MicrophoneEnd.State != callstate.EndOpen || s.Silence == callstate.NoCallbacks {
		mic.level, mic.open, mic.talking = still, false, false
	}
	if s.EarpieceEnd.State != callstate.EndOpen {
		ear.level, ear.open = still, false
	}
	return mic, ear
}

// mutedHint takes the message line while somebody talks into a muted microphone.
const mutedHint = "You are muted: press m to be heard."

// lower is the screen from the bottom: the message, the question if there is
// one, and the keys.
func (m *model) lower() []block {
	st := &m.styles
	msg := message{st: st, notice: m.saying(), most: 1}
	if m.height >= talkative && !m.covered() {
		msg.most = 4
	}
	if m.snap.Muted && m.snap.TalkingWhileMuted && m.notice.Severity != callstate.Failure {
		msg.notice = callstate.Notice{Severity: callstate.Warning, Text: mutedHint}
	}
	blocks := []block{{rule{st}, claimRule}, {trouble{st, m.snap.Troubles()}, claimTrouble}, {msg, claimMessage}}
	if t := m.tray(); t != nil {
		blocks = append(blocks, block{t, claimPrompt})
	}
	if ask, ok := m.question(); ok {
		blocks = append(blocks, block{ask, claimPrompt})
	}
	return append(blocks, block{m.footer(), claimFooter})
}

// rule is a line across.
type rule struct{ st *styles }

func (r rule) Render(width int) string {
	return r.st.dim.Render(strings.Repeat("─", max(width, 0)))
}

// blank is an empty line, nothing is none.
type (
	blank   struct{}
	nothing struct{}
)

func (blank) Render(int) string   { return " " }
func (nothing) Render(int) string { return "" }

// fill sets a text to width cells, styled.
func fill(style lipgloss.Style, text string, width int) string {
	return style.Render(pad(text, width))
}
