//go:build linux && !race

package desk

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tick is what /proc counts processor time in.
const tick = 10 * time.Millisecond

// descendants are a process and all below it.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil {
			continue
		}
		for _, name := range tasks {
			text, err := os.ReadFile(name)
			if err != nil {
				continue // it has ended
			}
			for _, field := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(field); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// processorTime is what a process, all below it and their children that have ended
// used so far.
func processorTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	var sum time.Duration
	for _, p := range descendants(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		// After the name, which may have any character: state is field 3.
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, at := range []int{14, 15, 16, 17} { // utime, stime, cutime, cstime
			n, err := strconv.ParseInt(fields[at-3], 10, 64)
			if err != nil {
				tb.Fatalf("read the processor time of process %d: %v", p, err)
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// memory is what a process and all below it hold, in MB of 2^20.
type memory struct {
	Resident float64 `json:"rss_mb"`
	Share    float64 `json:"pss_mb"` // with parts that others use too divided among them
	Private  float64 `json:"private_mb"`
}

func memoryOf(tb testing.TB, pid int) memory {
	tb.Helper()
	var m memory
	for _, p := range descendants(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 2 {
				continue
			}
			kB, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				continue
			}
			switch fields[0] {
			case "Rss:":
				m.Resident += kB / 1024
			case "Pss:":
				m.Share += kB / 1024
			case "Private_Clean:", "Private_Dirty:":
				m.Private += kB / 1024
			}
		}
	}
	if m.Resident == 0 {
		tb.Fatalf("the memory of process %d is not to be had", pid)
	}
	return m
}
