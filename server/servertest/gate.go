package servertest

import "sync"

// Gate lets what goes over one direction of a test's connection through, or holds
// it back. Its methods are safe for concurrent use, also within a synctest bubble.
type Gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while it is open
}

// NewGate returns an open gate.
func NewGate() *Gate {
	g := &Gate{open: make(chan struct{})}
	close(g.open)
	return g
}

// Set shuts the gate, or opens it.
func (g *Gate) Set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		if shut {
			g.open = make(chan struct{})
		}
	default:
		if !shut {
			close(g.open)
		}
	}
}

// Pass waits until the gate is open, or returns false when cancelled is closed.
func (g *Gate) Pass(cancelled <-chan struct{}) bool {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return true
	case <-cancelled:
		return false
	}
}
