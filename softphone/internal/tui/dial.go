package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/destination"
	"callcenter/softphone/internal/printable"
)

// dialer is the dial prompt: a line to type into, over the list of those whom
// the line leaves.
type dialer struct {
	input  textinput.Model
	dir    callstate.Directory
	rows   []dialRow
	chosen int    // of rows
	moved  bool   // the operator chose it
	kept   string // the entry of a call that was not answered, to be put right
	edited bool   // since the prompt was opened: the list is for all before
	hint   callstate.Notice
}

// dialRow is who enter would dial.
type dialRow struct {
	number            int // of the key; 0: none
	name, destination string
	kind              string
	dial              string // for the phone
}

func newDialer() dialer {
	d := dialer{input: textinput.New()}
	d.input.CharLimit = longestEntry
	d.input.KeyMap.Paste.SetEnabled(false) // it would run a clipboard program
	return d
}

// open begins with an empty line, or with what failed.
func (d *dialer) open(dir callstate.Directory, fallback string) {
	d.dir = dir
	d.input.SetValue(d.kept)
	d.input.CursorEnd()
	d.input.Focus()
	d.edited = false
	d.list(fallback)
}

// entry is what was typed.
func (d *dialer) entry() string { return clean(d.input.Value()) }

// list makes the list anew: what was typed where it can be dialed, then
// everybody whom it fits. A destination is listed once.
func (d *dialer) list(fallback string) {
	entry := d.entry()
	d.rows, d.chosen, d.moved, d.hint = d.rows[:0], 0, false, callstate.Notice{}
	seen := map[string]int{}
	add := func(r dialRow) {
		switch i, ok := seen[r.destination]; {
		case !ok:
			seen[r.destination] = len(d.rows)
			d.rows = append(d.rows, r)
		case d.rows[i].name == "" && d.rows[i].number == 0:
			d.rows[i].name, d.rows[i].number = r.name, r.number
		}
	}
	switch {
	case entry == "":
		add(dialRow{destination: fallback, kind: "default"})
	case destination.Fault(entry) == "":
		add(dialRow{destination: entry, kind: "as typed", dial: entry})
	}
	words := strings.Fields(strings.ToLower(entry))
	if !d.edited {
		words = nil
	}
	each := func(kind string, contacts []callstate.Contact) {
		for i, c := range contacts {
			r := dialRow{name: clean(c.Name), destination: clean(c.Destination), kind: kind, dial: c.Destination}
			if kind == "favourite" && i < 9 {
				r.number = i + 1
			}
			if r.fits(words) {
				add(r)
			}
		}
	}
	each("favourite", d.dir.Favourites)
	each("recent", d.dir.Recent)
	each("contact", d.dir.Contacts)
	if len(d.rows) > 0 {
		return
	}
	d.hint = callstate.Notice{Severity: callstate.Warning, Text: destination.Fault(entry)}
	if destination.Begun(entry) {
		d.hint.Severity = callstate.Info
	}
}

// fits reports that each of the words is in the name or the destination.
func (r dialRow) fits(words []string) bool {
	text := strings.ToLower(r.name + " " + r.destination)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// move goes through the list.
func (d *dialer) move(by int) {
	d.chosen = max(0, min(d.chosen+by, len(d.rows)-1))
	d.moved = true
}

// press gives a key to the line. What is pasted is cleaned before.
func (d *dialer) press(msg tea.KeyMsg, fallback string) {
	before := d.input.Value()
	over := 0
	if msg.Type == tea.KeyRunes {
		msg.Runes, over = pasted(msg.Runes, longestEntry-len([]rune(before)))
		if len(msg.Runes) == 0 && over == 0 {
			return
		}
	}
	d.input, _ = d.input.Update(msg) // a blinking cursor is its only command
	if d.input.Value() != before {
		d.edited = true
		d.list(fallback)
	}
	if over > 0 {
		d.hint = callstate.Notice{Severity: callstate.Warning, Text: fmt.Sprintf("There is room for %d characters, %d were left out.", longestEntry, over)}
	}
}

// edits reports a key with alt that moves in a line, or deletes.
func edits(msg tea.KeyMsg) bool {
	k := textinput.DefaultKeyMap
	return key.Matches(msg, k.WordForward, k.WordBackward, k.DeleteWordForward, k.DeleteWordBackward)
}

// complete takes the chosen destination into the line.
func (d *dialer) complete(fallback string) {
	entry := d.entry()
	switch {
	case len(d.rows) > 0:
		entry = d.rows[d.chosen].destination
	case entry == "":
	default:
		for _, known := range []string{"echo", "tone", "room/"} {
			if strings.HasPrefix(known, entry) {
				entry = known
				break
			}
		}
	}
	if entry == d.input.Value() {
		return
	}
	d.input.SetValue(entry)
	d.input.CursorEnd()
	d.edited = true
	d.list(fallback)
}

// pressPrompt handles the keys of the dial prompt.
func (m *model) pressPrompt(msg tea.KeyMsg) {
	d, fallback := &m.dialer, m.fallback()
	switch {
	case key.Matches(msg, m.keys.Accept):
		m.accept()
	case key.Matches(msg, m.keys.Cancel):
		m.turn(modeCall)
	case key.Matches(msg, m.keys.Next):
		d.move(1)
	case key.Matches(msg, m.keys.Previous):
		d.move(-1)
	case key.Matches(msg, m.keys.Complete):
		d.complete(fallback)
	default:
		d.press(msg, fallback)
	}
}

// accept dials who is chosen. What nobody can be called by stays, to be put
// right.
func (m *model) accept() {
	d := &m.dialer
	if len(d.rows) == 0 {
		d.hint.Severity = callstate.Warning
		return
	}
	row := d.rows[d.chosen]
	d.kept = row.dial
	m.dial(row.dial)
}

// fallback is what the default destination is called.
func (m *model) fallback() string {
	if m.destination == "" {
		return "the default destination"
	}
	return m.destination
}

// dialPanel draws the dial prompt.
type dialPanel struct {
	st       *styles
	d        *dialer
	fallback string
	most     int // lines
}

// RenderIn implements elastic.
func (p dialPanel) RenderIn(width, lines int) string {
	p.most = lines
	return p.Render(width)
}

// Render implements panel: the line, a hint or the list, with the chosen one in
// sight.
func (p dialPanel) Render(width int) string {
	d := p.d
	out := []string{question{
		st: p.st, text: "Dial", input: []rune(d.input.Value()), at: d.input.Position(),
		placeholder: p.fallback, edit: true,
	}.Render(width)}
	if d.hint.Text != "" {
		out = append(out, strings.Split(message{st: p.st, notice: d.hint, most: 3}.Render(width), "\n")...)
	}
	if p.most > len(out)+len(d.rows) && width >= spacious {
		out = append(out, " ")
	}
	from, to := window(len(d.rows), d.chosen, p.most-len(out))
	nameWidth := p.nameWidth(width)
	for i := from; i < to; i++ {
		rest := ""
		if n := len(d.rows) - to; n > 0 && i == to-1 {
			rest = p.st.dim.Render(fmt.Sprintf("  +%d", n))
		}
		out = append(out, between(p.row(d.rows[i], i == d.chosen, nameWidth, width-lipgloss.Width(rest)), rest, width))
	}
	return strings.Join(out[:max(0, min(p.most, len(out)))], "\n")
}

// nameWidth is the width of the column of names. Who has none is there with the
// destination.
func (p dialPanel) nameWidth(width int) int {
	longest := 0
	for _, r := range p.d.rows {
		longest = max(longest, lipgloss.Width(either(r.name == "", r.destination, r.name)))
	}
	return min(longest, max(width*2/5, 8))
}

func (p dialPanel) row(r dialRow, chosen bool, nameWidth, width int) string {
	lead := "    "
	if r.number > 0 {
		lead = fmt.Sprintf("  %d ", r.number)
	}
	if chosen {
		lead = p.st.key.Render("> ") + lead[2:]
	} else if r.number > 0 {
		lead = "  " + p.st.key.Render(lead[2:])
	}
	name, destination := r.name, r.destination
	if name == "" {
		name, destination = destination, ""
	}
	name = pad(name, nameWidth)
	if chosen {
		name = p.st.strong.Render(name)
	}
	kind := ""
	if width >= 32 {
		kind = "  " + fill(p.st.dim, r.kind, len("favourite"))
	}
	destination = pad(destination, min(width-4-nameWidth-2-lipgloss.Width(kind), 24))
	return cut(lead+name+"  "+destination+kind, width)
}

// window is the part of a list of n rows, at most lines of them, that has the
// chosen one in sight.
func window(n, chosen, lines int) (from, to int) {
	lines = max(0, min(lines, n))
	from = max(0, min(chosen-lines/2, n-lines))
	return from, from + lines
}

// question is the line that waits for an answer, with the text typed so far.
type question struct {
	st          *styles
	text        string
	edit        bool
	input       []rune
	at          int // the cursor's place in input
	placeholder string
}

// Render implements panel. The cursor is a character, so that it is there
// without colours, too.
func (q question) Render(width int) string {
	if !q.edit {
		return cut(q.st.warnStrong.Render(q.text), width)
	}
	lead := q.st.key.Render(q.text) + " "
	room := width - lipgloss.Width(lead)
	cursor := q.st.key.Render("▏")
	if len(q.input) == 0 {
		return cut(lead+cursor+q.st.dim.Render(q.placeholder), width)
	}
	at := max(0, min(q.at, len(q.input)))
	before, after := []rune(printable.Drawable(string(q.input[:at]))), printable.Drawable(string(q.input[at:]))
	for len(before) > 0 && lipgloss.Width(string(before))+2 > room {
		before = before[1:]
	}
	return cut(lead+string(before)+cursor+after, width)
}

// question is the line that waits for an answer.
func (m *model) question() (question, bool) {
	switch m.mode {
	case modeQuit:
		if m.snap.State == callstate.Idle {
			return question{st: &m.styles, text: "The call has ended. Quit?"}, true
		}
		return question{st: &m.styles, text: "You are in a call. Hang up and quit?"}, true
	case modeLeaving:
		return question{st: &m.styles, text: "Hanging up, then quitting."}, true
	case modeCall, modeHelp, modeDetails, modeDelay, modePrompt, modeDevices, modeTraining, modeCheck, modeHistory:
	}
	return question{}, false
}
