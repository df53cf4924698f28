package device

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// tap takes the sound library's log lines from whatever thread says them, also
// an audio thread, and keeps them for the goroutine that owns the session. When
// nobody listens the newest are dropped; they are diagnostics.
type tap struct {
	lines chan string
}

func newTap() *tap { return &tap{lines: make(chan string, 128)} }

// add never blocks.
func (t *tap) add(line string) {
	select {
	case t.lines <- line:
	default:
	}
}

// drain logs what waits and returns it.
func (t *tap) drain(log *slog.Logger) []string {
	var lines []string
	for {
		select {
		case line := <-t.lines:
			lines = append(lines, line)
			logLine(log, line)
		default:
			return lines
		}
	}
}

func logLine(log *slog.Logger, line string) {
	if log == nil {
		return
	}
	if text := clean(line, 256); text != "" {
		log.Debug("sound library", "text", text)
	}
}

// granted is the device's side of an open stream. Zero means that it is not
// known.
type granted struct {
	rate, channels, periods int
	period                  time.Duration
}

// parseGranted reads what miniaudio says at the end of opening a device. Its
// log is the only place where malgo lets the device's own side be seen; the
// getters return what was asked for. In "a -> b" the device is on the left for
// capture and on the right for playback.
func parseGranted(lines []string, dir Direction) granted {
	var g granted
	var frames int
	for _, line := range lines {
		line = strings.TrimSpace(line)
		var left, right int
		if n, _ := fmt.Sscanf(line, "Channels: %d -> %d", &left, &right); n == 2 {
			g.channels = deviceSide(dir, left, right)
		}
		if n, _ := fmt.Sscanf(line, "Sample Rate: %d -> %d", &left, &right); n == 2 {
			g.rate = deviceSide(dir, left, right)
		}
		if n, _ := fmt.Sscanf(line, "Buffer Size: %d*%d", &left, &right); n == 2 {
			frames, g.periods = left, right
		}
	}
	if g.rate > 0 {
		g.period = time.Duration(frames) * time.Second / time.Duration(g.rate)
	}
	return g
}

func deviceSide(dir Direction, left, right int) int {
	if dir == Capture {
		return left
	}
	return right
}
