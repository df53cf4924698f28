package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// trainable reports a call whose way back can be made worse.
func trainable(s *callstate.Snapshot) bool {
	return s.State.Connected() && s.Destination == "echo"
}

// By how much a key changes what is added.
const (
	delayStep  = 50 * time.Millisecond
	jitterStep = 10 * time.Millisecond
	lossStep   = 1.0 // percent
)

// lesson is a row of the training.
type lesson int

const (
	lessonDelay lesson = iota
	lessonJitter
	lessonLoss
	lessons
)

// change turns one row by so many steps.
func (l lesson) change(t callstate.Training, steps int) callstate.Training {
	switch l {
	case lessonDelay:
		t.Delay += time.Duration(steps) * delayStep
	case lessonJitter:
		t.Jitter += time.Duration(steps) * jitterStep
	case lessonLoss:
		t.LossPct += float64(steps) * lossStep
	case lessons:
	}
	return t.Bounded()
}

// row is the name of a row, its value and how far it is turned up.
func (l lesson) row(t callstate.Training) (name, value string, part float64) {
	switch l {
	case lessonDelay:
		return "delay", fmt.Sprintf("%d ms", t.Delay.Milliseconds()), t.Delay.Seconds() / callstate.MaxTrainingDelay.Seconds()
	case lessonJitter:
		return "jitter", fmt.Sprintf("%d ms", t.Jitter.Milliseconds()), t.Jitter.Seconds() / callstate.MaxTrainingJitter.Seconds()
	case lessonLoss:
		return "loss", fmt.Sprintf("%.0f %%", t.LossPct), t.LossPct / callstate.MaxTrainingLoss
	case lessons:
	}
	return "", "", 0
}

// listen is what to listen for.
func (l lesson) listen() string {
	switch l {
	case lessonDelay:
		return "Say a word and wait for it. From 400 ms people begin to talk over each other."
	case lessonJitter:
		return "Keep talking: as buffer and loop grow to bridge it, words are drawn out."
	case lessonLoss:
		return "Count aloud: what is lost is made up from what was there. From 3 % words suffer."
	case lessons:
	}
	return ""
}

// pressTraining handles the keys of the training; others are the line's.
func (m *model) pressTraining(msg tea.KeyMsg) tea.Cmd {
	k := &m.keys
	switch {
	case key.Matches(msg, k.Up):
		m.lesson = (m.lesson + lessons - 1) % lessons
	case key.Matches(msg, k.Down):
		m.lesson = (m.lesson + 1) % lessons
	case key.Matches(msg, k.Less):
		m.train(m.lesson.change(m.training, -1))
	case key.Matches(msg, k.More):
		m.train(m.lesson.change(m.training, 1))
	case key.Matches(msg, k.Reset):
		m.train(callstate.Training{})
	case key.Matches(msg, k.Digit):
		// 0 means something else here, and an echo has no keypad.
	default:
		return m.pressLine(msg)
	}
	return nil
}

func (m *model) train(t callstate.Training) {
	m.training = t
	m.phone.Train(t)
}

// trainingPanel are the rows of the training, over the message; the meters and
// the loop stay in sight.
type trainingPanel struct {
	st       *styles
	training callstate.Training
	chosen   lesson
	loop     string // as measured; empty: not yet
}

// Render implements panel.
func (p trainingPanel) Render(width int) string {
	title := p.st.strong.Render("Training")
	if p.loop != "" {
		title += p.st.dim.Render("  loop ") + p.st.strong.Render(p.loop) + p.st.dim.Render(" ms")
	}
	if width >= spacious {
		title += p.st.dim.Render("  made worse on purpose, also when this is closed")
	}
	out := []string{cut(title, width)}
	for l := range lessons {
		name, value, part := l.row(p.training)
		lead := "  "
		name = pad(name, 7)
		if l == p.chosen {
			lead, name = p.st.key.Render("> "), p.st.strong.Render(name)
		}
		text := lead + name + fmt.Sprintf("%7s  ", value)
		out = append(out, cut(text+p.st.gauge(part, min(width-18, 40)), width))
	}
	lines := 1
	if width < spacious {
		lines = 2
	}
	for i, line := range wrap(p.chosen.listen(), width) {
		if i < lines {
			out = append(out, cut(p.st.dim.Render(line), width))
		}
	}
	return strings.Join(out, "\n")
}

// gauge is how far something is turned up, 0 to 1.
func (st *styles) gauge(part float64, width int) string {
	if width <= 0 {
		return ""
	}
	full := int(max(0, min(part, 1))*float64(width) + 0.5)
	return st.warn.Render(strings.Repeat("█", full)) + st.dim.Render(strings.Repeat("·", width-full))
}
