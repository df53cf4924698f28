package swarm

import (
	"context"
	"sync"
	"time"

	"callcenter/audio"
)

// memoryInterval is how often a server's memory is looked at.
const memoryInterval = time.Second

// ServerMemory is what the server's process had resident while the calls were
// held, in MiB. A Go program grows until its collector runs, which ours lets happen
// at five times what is in use: within the first minutes that is no leak.
type ServerMemory struct {
	Begin float64 `json:"begin_mib"`
	End   float64 `json:"end_mib"`
	Peak  float64 `json:"peak_mib"`
	// Growth is the slope of the line that fits best, by least squares, to what was
	// resident each second.
	Growth float64 `json:"growth_mib_per_min"`
}

// memory watches a process. stop ends it.
type memory struct {
	server process
	clock  audio.Clock
	end    context.CancelFunc
	done   sync.WaitGroup

	at  []time.Duration // of the goroutine until it is done
	mib []float64
}

// watchMemory begins to watch; nothing is seen where the process is not known.
func watchMemory(server process, clock audio.Clock) *memory {
	m := &memory{server: server, clock: clock}
	var ctx context.Context
	ctx, m.end = context.WithCancel(context.Background())
	m.look()
	m.done.Go(func() {
		for wait(ctx, memoryInterval) {
			m.look()
		}
	})
	return m
}

func (m *memory) look() {
	if n, ok := m.server.resident(); ok {
		m.at = append(m.at, m.clock())
		m.mib = append(m.mib, float64(n)/(1<<20))
	}
}

// stop looks a last time and returns what was seen, or nil.
func (m *memory) stop() *ServerMemory {
	m.end()
	m.done.Wait()
	m.look()
	if len(m.mib) == 0 {
		return nil
	}
	r := &ServerMemory{Begin: round(m.mib[0]), End: round(m.mib[len(m.mib)-1]), Growth: round(slope(m.at, m.mib))}
	for _, n := range m.mib {
		r.Peak = max(r.Peak, round(n))
	}
	return r
}

// slope is how much y grows in a minute, by least squares.
func slope(at []time.Duration, y []float64) float64 {
	var meanX, meanY float64
	for i := range at {
		meanX += at[i].Minutes() / float64(len(at))
		meanY += y[i] / float64(len(at))
	}
	var xy, xx float64
	for i := range at {
		x := at[i].Minutes() - meanX
		xy += x * (y[i] - meanY)
		xx += x * x
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}
