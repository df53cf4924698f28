//go:build linux && !race

package capacity

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine is what was measured on.
type machine struct {
	CPU     string  `json:"cpu"`
	Cores   int     `json:"cores"`
	Go      string  `json:"go"`
	Libopus string  `json:"libopus"`
	Others  float64 `json:"others_cores"` // cores that others used meanwhile
	Stolen  float64 `json:"stolen_cores"` // that the hypervisor did not give
}

// String is the machine in a line.
func (m *machine) String() string {
	return fmt.Sprintf("%s, %d cores; %s; libopus %s; meanwhile others used %.2f cores, %.2f were not to be had",
		m.CPU, m.Cores, m.Go, m.Libopus, m.Others, m.Stolen)
}

// thisMachine is the machine, before anything was measured.
func thisMachine() machine {
	m := machine{CPU: "unknown processor", Cores: runtime.NumCPU(), Go: runtime.Version(), Libopus: "of unknown version"}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if out, err := exec.Command("pkg-config", "--modversion", "opus").Output(); err == nil {
		m.Libopus = strings.TrimSpace(string(out))
	}
	return m
}

// load is the use of the machine so far.
type load struct {
	at                time.Time
	busy, stolen, own time.Duration
}

// usage reads the use so far, of which own is that of this process and of its
// children that have ended.
func usage() load {
	l := load{at: time.Now()}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			l.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return l
	}
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(string(stat), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return l
	}
	const tick = 10 * time.Millisecond // USER_HZ
	l.busy = time.Duration(user+nice+system+irq+softirq) * tick
	l.stolen = time.Duration(steal) * tick
	return l
}

// meanwhile fills in what was not ours since from.
func (m *machine) meanwhile(from load) {
	now := usage()
	took := max(now.at.Sub(from.at), time.Millisecond)
	others := now.busy - from.busy - (now.own - from.own)
	m.Others = max(0, float64(others)/float64(took))
	m.Stolen = float64(now.stolen-from.stolen) / float64(took)
}
