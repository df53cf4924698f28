//go:build linux && !race

package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tracing makes a server tell what cannot be seen from outside, without any help
// of its own: Go's runtime writes a line for each garbage collection, and a list
// of all goroutines every so many milliseconds.
func tracing(every time.Duration) string {
	return fmt.Sprintf("GODEBUG=gctrace=1,scheddetail=1,schedtrace=%d", every.Milliseconds())
}

// sample is what there was of everything at one moment.
type sample struct {
	at time.Time
	by [quantities]float64
}

// What is sampled. Heaps are what lives after a collection, in MiB.
const (
	phoneGoroutines = iota
	phoneFiles
	phoneHeap
	serverGoroutines
	serverFiles
	serverHeap
	serverMemory // resident, MiB
	quantities
)

// quantity says how a quantity is called and what it may grow by: a share of what
// it was, and something on top for what comes and goes with the faults.
type quantity struct {
	name        string
	share, more float64
}

func measured() [quantities]quantity {
	return [quantities]quantity{
		phoneGoroutines:  {"goroutines of the softphones", 0.05, 20},
		phoneFiles:       {"files of the softphones", 0.05, 10},
		phoneHeap:        {"heap of the softphones, MiB", 0.15, 8},
		serverGoroutines: {"goroutines of the server", 0.05, 20},
		serverFiles:      {"files of the server", 0.05, 10},
		serverHeap:       {"heap of the server, MiB", 0.15, 8},
		serverMemory:     {"memory of the server, MiB", 0.25, 24},
	}
}

// gauge samples both sides. One goroutine uses it.
type gauge struct {
	server  *process
	samples []sample // of this life of the server

	read                     int64 // of the log
	liveGoroutines, liveHeap float64
	counting                 bool // within a list of goroutines
	goroutinesSoFar          int
	cpuPhones, cpuServer     time.Duration // at the beginning; the server's less that of former lives
	began                    time.Time
}

func newGauge(server *process) *gauge {
	g := &gauge{server: server, began: time.Now()}
	g.cpuPhones, g.cpuServer = spent(), g.server.spent()
	return g
}

// farewell notes what the server spent in a life that ends now.
func (g *gauge) farewell() { g.cpuServer -= g.server.spent() }

// anew begins with another life of the server.
func (g *gauge) anew() {
	g.samples, g.liveGoroutines, g.liveHeap = nil, 0, 0
	g.counting = false
}

// take samples everything.
func (g *gauge) take() {
	g.follow()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	s := sample{at: time.Now()}
	s.by = [quantities]float64{
		phoneGoroutines: float64(runtime.NumGoroutine()), phoneFiles: float64(descriptors(os.Getpid())),
		phoneHeap:        float64(live[0].Value.Uint64()) / (1 << 20),
		serverGoroutines: g.liveGoroutines, serverFiles: float64(g.server.descriptors()),
		serverHeap: g.liveHeap, serverMemory: g.server.resident(),
	}
	g.samples = append(g.samples, s)
}

// follow reads what the server wrote since.
func (g *gauge) follow() {
	log, err := os.Open(g.server.log)
	if err != nil {
		return
	}
	defer func() { _ = log.Close() }()
	fresh, err := io.ReadAll(io.NewSectionReader(log, g.read, 1<<30))
	if err != nil {
		return
	}
	collection := regexp.MustCompile(`^gc \d+ @.* \d+->\d+->(\d+) MB`)
	goroutine := regexp.MustCompile(`^\s*G\d+: status=(\d+)`)
	end := bytes.LastIndexByte(fresh, '\n') + 1
	g.read += int64(end)
	for line := range bytes.Lines(fresh[:end]) {
		switch m := goroutine.FindSubmatch(line); {
		case m != nil:
			const dead = "6"
			g.counting = true
			if string(m[1]) != dead {
				g.goroutinesSoFar++
			}
			continue
		case g.counting:
			g.liveGoroutines, g.goroutinesSoFar, g.counting = float64(g.goroutinesSoFar), 0, false
		}
		if m := collection.FindSubmatch(line); m != nil {
			g.liveHeap, _ = strconv.ParseFloat(string(m[1]), 64)
		}
	}
}

// between returns the lower quartile of each quantity in a part of the time. Faults
// come and go: mostly they add to it, for a moment they take away.
func (g *gauge) between(from, to time.Duration) (quartile [quantities]float64) {
	begin := g.samples[0].at
	for q := range quartile {
		var values []float64
		for _, s := range g.samples {
			if d := s.at.Sub(begin); d >= from && d <= to && s.by[q] > 0 {
				values = append(values, s.by[q])
			}
		}
		slices.Sort(values)
		if len(values) > 0 {
			quartile[q] = values[len(values)/4]
		}
	}
	return quartile
}

// lasted is how long the samples go back.
func (g *gauge) lasted() time.Duration {
	if len(g.samples) == 0 {
		return 0
	}
	return g.samples[len(g.samples)-1].at.Sub(g.samples[0].at)
}

// flat compares a window at the end of this life of the server with one at the
// beginning, after the buffers have grown to their full size. It returns what was
// measured and what grew.
func (g *gauge) flat() (account string, wrong []string) {
	all := g.lasted()
	warm := min(all/4, 2*time.Minute)
	window := min(all/4, 5*time.Minute)
	first, last := g.between(warm, warm+window), g.between(all-window, all)
	var b strings.Builder
	fmt.Fprintf(&b, "lower quartiles of %v after %v, and at the end of %v:", window.Round(time.Second), warm.Round(time.Second), all.Round(time.Second))
	for q, m := range measured() {
		fmt.Fprintf(&b, "\n  %-30s %7.1f %7.1f", m.name, first[q], last[q])
		switch {
		case first[q] == 0 || last[q] == 0:
			wrong = append(wrong, fmt.Sprintf("%s: not measured", m.name))
		case last[q] > first[q]*(1+m.share)+m.more:
			wrong = append(wrong, fmt.Sprintf("%s grew from %.1f to %.1f", m.name, first[q], last[q]))
		}
	}
	return b.String(), wrong
}

// newest is the last sample, for those who look on.
func (g *gauge) newest() string {
	var b strings.Builder
	for q, m := range measured() {
		fmt.Fprintf(&b, "; %s %.0f", m.name, g.samples[len(g.samples)-1].by[q])
	}
	return b.String()
}

// cores is how much of the processors both sides took.
func (g *gauge) cores() (phones, server float64) {
	took := time.Since(g.began).Seconds()
	return (spent() - g.cpuPhones).Seconds() / took, (g.server.spent() - g.cpuServer).Seconds() / took
}

// spent is the processor time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent is the processor time of the server in this life.
func (p *process) spent() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest))
	const userTime, systemTime, tick = 11, 12, 10 * time.Millisecond
	if len(fields) <= systemTime {
		return 0
	}
	user, _ := strconv.Atoi(fields[userTime])
	system, _ := strconv.Atoi(fields[systemTime])
	return time.Duration(user+system) * tick
}

// resident is the server's memory, in MiB.
func (p *process) resident() float64 {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer func() { _ = status.Close() }()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			return kib / 1024
		}
	}
	return 0
}
