package tui

import (
	"slices"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	snug      = 48  // from this width the stages of the delay have their names
	roomy     = 76  // from this width there are margins and long names
	spacious  = 60  // from this width and height a meter has two lines
	tall      = 20  // and a scale
	grand     = 32  // from this height there is air between the sections
	deep      = 38  // and from this one every stage of the delay has its line
	vast      = 50  // and from this one everything else
	broad     = 130 // from this width there are two columns
	widest    = 200 // wider terminals are not filled
	talkative = 10  // from this height a message may take four lines

	columnGap = 4
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

// Claims, the strongest first. What is above the roster goes late, or it would
// move when somebody joins.
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
	claimScale
	claimRule
	claimQuality
	claimNetwork
	claimLoss
	claimTimeline
	claimDevices
	claimServer
	claimBuffer
	claimCleanUp
	claimRemote
	claimTotals
	claimBlank
	claimLowerRule
	claimAir
	claimDetails
	claimColumns
)

// View implements tea.Model. It returns exactly height lines, or fewer when
// the screen is tiny, none wider than the terminal.
func (m *model) View() string {
	width, margin := m.inside()
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
	return m.ascii.picture(strings.Join(lines, "\n"))
}

// inside is the width that is drawn on, and what is left of it.
func (m *model) inside() (width int, margin string) {
	if m.width >= roomy {
		return min(m.width, widest) - 2, " "
	}
	return m.width, ""
}

// upper is the screen from the top: the state, the culprit, then the meters and
// figures or what lies over them.
func (m *model) upper() []block {
	s := &m.snap
	st := &m.styles
	blocks := []block{{header{st, s, m.destination, m.looks}, claimHeader}, {judged(st, s), claimTrouble}}
	if m.height >= tall {
		blocks = append(blocks, block{rule{st}, claimRule})
	}
	// Under an overlay the header, the culprit, a message and the footer stay.
	if m.tooSmall() {
		mic, ear := m.meters(false)
		blocks = append(blocks, block{tooSmall{st, m.width, m.height}, claimPrompt}, block{mic, claimMicrophone}, block{ear, claimEarpiece})
		if m.width >= leastWidth { // otherwise a figure could be cut to another one
			blocks = append(blocks, m.figureBlocks(true)...)
		}
		return blocks
	}
	if o := m.overlay(); o != nil {
		return append(blocks, block{o, claimMicrophone})
	}
	return append(blocks, m.body()...)
}

// legible is a panel of lines to be read from end to end, which have a length for
// that.
type legible struct{ elastic }

// longLine is that length.
const longLine = 118

// Render implements panel.
func (l legible) Render(width int) string { return l.elastic.Render(min(width, longLine)) }

// RenderIn implements elastic.
func (l legible) RenderIn(width, lines int) string {
	return l.elastic.RenderIn(min(width, longLine), lines)
}

// tooSmall reports a terminal that has no room for everything that matters.
func (m *model) tooSmall() bool { return m.width < leastWidth || m.height < leastHeight }

// body is everything between the state and the message: in a broad terminal what
// is heard at the left, where the time goes and who is there at the right. Without
// a call there are those who can be called, and the figures of the last call.
func (m *model) body() []block {
	who := m.spaced(m.others())
	if m.snap.State == callstate.Idle {
		who = m.idleBlocks()
	}
	if m.width < broad {
		return slices.Concat(m.levels(), who, m.delays(), m.lead(), m.ends())
	}
	left, right := slices.Concat(m.levels(), m.lead(), m.ends()), slices.Concat(m.delays(), who)
	if m.snap.State == callstate.Idle {
		right = slices.Concat(who, m.delays())
	}
	if m.height >= vast && m.snap.State != callstate.Idle {
		left = append(left, block{blank{}, claimBlank}, block{blank{}, claimBlank}, block{details{&m.styles, &m.read, m.height}, claimDetails})
	}
	if len(right) > 0 { // it begins where the left one does
		right[0] = m.air()
	}
	return []block{{columns{left, right, m.between()}, claimColumns}}
}

// spaced are blocks with a blank line before them.
func (m *model) spaced(blocks []block) []block {
	if len(blocks) == 0 {
		return nil
	}
	return append([]block{{blank{}, claimBlank}}, blocks...)
}

// air is a line of it in a high terminal, unless who is in the room needs it.
func (m *model) air() block {
	if m.height < grand || m.crowded() {
		return block{nothing{}, claimAir}
	}
	return block{blank{}, claimAir}
}

// levels are the meters of both ends.
func (m *model) levels() []block {
	large := m.width >= spacious && m.height >= tall
	mic, ear := m.meters(large)
	blocks := []block{m.air(), {mic, claimMicrophone}}
	if large {
		blocks = append(blocks, block{scale{&m.styles}, claimScale})
	}
	return append(blocks, block{ear, claimEarpiece})
}

// others are those in the room.
func (m *model) others() []block {
	if !m.snap.InRoom() {
		return nil
	}
	return []block{{m.roster(), claimRoster}}
}

func (m *model) roster() roster {
	return roster{st: &m.styles, s: &m.snap, most: rosterLines(m.height)}
}

// crowded reports a room with more others than their place has lines for.
func (m *model) crowded() bool {
	width, _ := m.inside()
	return m.width < broad && m.snap.InRoom() && m.roster().overflows(width)
}

// delays are where the time goes and how it went lately. In a narrow and low
// terminal the figures say it.
func (m *model) delays() []block {
	s, st := &m.read, m.shade()
	if s.State == callstate.Idle && s.Duration == 0 {
		return nil
	}
	if m.width < roomy && m.height < tall {
		return nil
	}
	full := m.height >= deep && !s.InRoom()
	if m.width >= broad {
		full = m.height >= tall
	}
	blocks := []block{{blank{}, claimBlank}, {waterfall{st: st, d: s.Delay, full: full}, claimDelay}}
	if full {
		blocks = append(blocks, block{blank{}, claimBlank})
	}
	times := m.timeline(full)
	if m.width >= broad && m.height >= vast {
		times.rows = 6
	}
	return append(blocks, block{times, claimTimeline})
}

func (m *model) timeline(mos bool) timeline {
	s := &m.read
	return timeline{
		st: m.shade(), moments: s.Timeline, mos: mos,
		second: max(int(bounded(s.Duration)/time.Second), len(s.Timeline)-1),
	}
}

// shade are the looks of figures. Without a connection they are old.
func (m *model) shade() *styles {
	if m.snap.State == callstate.Reconnecting || m.snap.State == callstate.Idle {
		return m.styles.faded()
	}
	return &m.styles
}

// lead are the figures of the call.
func (m *model) lead() []block {
	s, st := &m.read, m.shade()
	narrow := m.width < roomy
	if s.State == callstate.Idle && s.Duration == 0 {
		return nil
	}
	blocks := []block{{blank{}, claimBlank}, m.air()}
	if !narrow {
		blocks = append(blocks, block{rating{st, s}, claimQuality})
	}
	blocks = append(blocks, m.figureBlocks(narrow)...)
	if narrow {
		blocks = append(blocks, block{rating{st, s}, claimRemote})
	}
	return append(blocks, block{remote{st, s}, claimRemote})
}

// ends are what is at both ends of the call.
func (m *model) ends() []block {
	s, st := &m.snap, &m.styles
	blocks := []block{{blank{}, claimBlank}, m.air(), {cleanUp{st, &m.keys, s.CleanUp}, claimCleanUp}}
	if m.width < roomy {
		blocks = append(blocks, block{detail{st, "Server", "srv", serverText(s)}, claimServer})
	}
	return append(blocks,
		block{device{st, "Microphone", "mic", s.MicrophoneOpen, s.MicrophoneEnd}, claimDevices},
		block{device{st, "Earpiece", "ear", s.EarpieceOpen, s.EarpieceEnd}, claimDevices})
}

// between is how many lines there are between the rule and what is at the bottom.
func (m *model) between() int {
	width, _ := m.inside()
	left := m.height - 2
	if m.height >= tall {
		left--
	}
	for _, b := range m.lower() {
		left -= lines(b.panel.Render(width))
	}
	return max(left, 1)
}

// room is how many lines an overlay may take: all but the state, the culprit, the
// message and the keys.
func (m *model) room() int {
	if m.saved {
		return m.between()
	}
	return m.height - 4
}

// meters are those of both ends. One that is not open, or stands still, shows no
// level: its ballistics would go on to fall for seconds.
func (m *model) meters(large bool) (mic, ear meter) {
	s, st := &m.snap, &m.styles
	mic = meter{
		st: st, name: "Microphone", short: "mic", level: s.Microphone, read: m.read.Microphone, open: s.MicrophoneOpen != nil,
		gain: s.Gains.Microphone, held: s.Held, muted: s.Muted && !s.Talk.Open, talking: s.Muted && s.TalkingWhileMuted, large: large,
	}
	ear = meter{
		st: st, name: "Earpiece", short: "ear", level: s.Earpiece, read: m.read.Earpiece, open: s.EarpieceOpen != nil,
		gain: s.Gains.Earpiece, held: s.Held, protection: m.read.Protection, large: large,
	}
	if s.State.Connected() {
		mic.ails, mic.ailsShort = ailing(s.MicrophoneEnd, s.Silence)
		ear.ails, ear.ailsShort = ailing(s.EarpieceEnd, callstate.NoSilence)
	}
	if s.MicrophoneEnd.State != callstate.EndOpen || s.Silence == callstate.NoCallbacks {
		mic.level, mic.read, mic.open, mic.talking = still, still, false, false
	}
	if s.EarpieceEnd.State != callstate.EndOpen {
		ear.level, ear.read, ear.open = still, still, false
	}
	return mic, ear
}

// mutedHint takes the message line while somebody talks into a muted microphone.
const mutedHint = "You are muted: press m to be heard."

// message is the line of the notices.
func (m *model) message() message {
	msg := message{st: &m.styles, notice: m.saying(), most: 1}
	switch {
	case m.saved: // where the file is, and what it contains, to its end
		msg.most = max(m.height-5, 1)
	case m.height >= talkative && !m.covered():
		msg.most = 4
	}
	if m.snap.Muted && m.snap.TalkingWhileMuted && m.notice.Severity != callstate.Failure && !m.saved {
		msg.notice = callstate.Notice{Severity: callstate.Warning, Text: mutedHint}
	}
	return msg
}

// messageClaim is what it is worth: where the black box is, more than all figures.
func (m *model) messageClaim() int {
	if m.saved {
		return claimPrompt
	}
	return claimMessage
}

// lower is the screen from the bottom: the message, the question if there is
// one, and the keys.
func (m *model) lower() []block {
	st := &m.styles
	var blocks []block
	if m.height >= tall {
		blocks = append(blocks, block{rule{st}, claimLowerRule})
	}
	blocks = append(blocks, block{m.message(), m.messageClaim()})
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
