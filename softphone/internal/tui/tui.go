// Package tui is the operator's one screen: the state of the line, the level
// meters, the delay, the quality and the devices, and the keys to dial, mute
// and hang up. The softphone command runs it; it sees the phone only through
// the interfaces of package desk.
//
// There is one Bubble Tea model. What happens in the phone reaches it as
// messages from one goroutine (feed), which asks for a Snapshot 20 times a
// second during a call and not at all while the line is idle. Update does no
// input or output. Panels are plain values with a Render(width) method; the
// layout drops the least important of them when the terminal is small.
//
// Levels are in dBFS, widths in terminal cells.
package tui

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/desk"
	_ "callcenter/softphone/internal/tui/background" // before Bubble Tea asks the terminal
)

// Options are the settings of the screen. The zero value is ready for use on
// the process's own terminal.
type Options struct {
	// Destination is what Dial("") calls, for display. It may be empty.
	Destination string
	// Bench is the devices' screen, Check the check's and History the history's;
	// nil: there is none.
	Bench   desk.Bench
	Check   desk.Check
	History desk.History
	// ASCII draws with the characters of ASCII only.
	ASCII bool
	// Input and Output replace the process's terminal when they are set.
	Input  io.Reader
	Output io.Writer
}

// PanicError says that drawing the screen, or a method that the screen called of the
// phone or of what is beside it, panicked. The terminal was restored before Run returned it.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack at the panic, for the log
}

// Error returns one line without the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic in the screen: %v", e.Value)
}

// Run shows the screen and blocks until the operator quits, the phone ends or
// ctx ends; all three return nil. When it returns, also with an error, the
// terminal is as it was before and every goroutine that Run started is over.
// A panic of the model, or of the methods of the phone, the bench, the check or the
// history, is returned as *PanicError. The bench and the check, if they are open, are
// ended in any case. Run handles no signals: end ctx on them.
func Run(ctx context.Context, phone desk.Phone, opts Options) error {
	// alive ends with ctx, with the phone, with the program or by a panic.
	alive, end := context.WithCancelCause(ctx)
	defer end(nil)
	m := newModel(phone, opts)
	screen := guard{inner: m, end: end}
	program := tea.NewProgram(&screen, opts.program()...)

	var workers sync.WaitGroup
	workers.Go(func() {
		defer end(nil)
		defer screen.rescue()
		feed(alive, phone, m.aside, program.Send)
	})
	workers.Go(func() {
		<-alive.Done()
		program.Quit() // in order: a killed program may leave its reader behind
	})
	_, err := program.Run()
	end(nil)
	workers.Wait()
	screen.finish(m.aside)

	if broken := screen.broken.Load(); broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("run the screen on this terminal (use \"softphone call\" where there is none): %w", err)
	}
	return nil
}

// framesPerSecond bounds how often the terminal is written to: every look of the
// feed is drawn, and a key within 40 ms.
const framesPerSecond = 25

// program are the settings of Bubble Tea. Signals and panics are not its
// business, see Run and guard.
func (o Options) program() []tea.ProgramOption {
	settings := []tea.ProgramOption{tea.WithAltScreen(), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler(), tea.WithoutCatchPanics()}
	if o.Input != nil {
		settings = append(settings, tea.WithInput(o.Input))
	}
	if o.Output != nil {
		settings = append(settings, tea.WithOutput(o.Output))
	}
	return settings
}

// guard keeps a panic away from Bubble Tea, which would print the stack to
// the operator. It ends the program instead, and Run returns the panic.
type guard struct {
	inner  tea.Model
	end    context.CancelCauseFunc
	broken atomic.Pointer[PanicError] // the first
}

func (g *guard) Init() tea.Cmd {
	defer g.rescue()
	return g.inner.Init()
}

func (g *guard) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	next = g
	defer g.rescue()
	g.inner, cmd = g.inner.Update(msg)
	return g, cmd
}

func (g *guard) View() string {
	defer g.rescue()
	return g.inner.View()
}

// finish ends what the screen has open.
func (g *guard) finish(beside *aside) {
	defer g.rescue()
	beside.end()
}

// rescue must be deferred directly. It never waits, because the event loop
// itself may be what panics.
func (g *guard) rescue() {
	if r := recover(); r != nil {
		broken := &PanicError{Value: r, Stack: debug.Stack()}
		g.broken.CompareAndSwap(nil, broken)
		g.end(broken)
	}
}
