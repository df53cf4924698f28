package playlog

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a trace may hold.
const (
	// MaxLength is how long a trace may be: what fits a WAV file.
	MaxLength = 12 * time.Hour

	maxLine    = 4096
	maxTime    = int64(1e15) // µs, 31 years
	maxSeq     = int64(1e12)
	maxDelay   = int64(time.Hour / time.Microsecond)
	maxAdvance = int64(time.Minute / time.Microsecond) // two clocks drift apart
	maxRTTMS   = 60_000
)

// ErrTrace marks what is no trace, or one with values that cannot be.
var ErrTrace = errors.New("not a usable trace")

// traceError says what is wrong with which line.
func traceError(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format+" (%w)", append(append([]any{line}, args...), ErrTrace)...)
}

// OpenTrace reads the trace in the file at path. Errors are one line that names
// the file, and the line in it if that is at fault.
func OpenTrace(path string) (Trace, error) {
	// Before opening: opening a named pipe waits for someone to write.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return Trace{}, fmt.Errorf("open trace %q: not a regular file; name a trace", path)
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return Trace{}, pathError("open", path, err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	t, err := ReadTrace(f)
	if err != nil {
		return Trace{}, fmt.Errorf("trace %q %w", path, err)
	}
	return t, nil
}

// pathError says that a trace could not be opened, and what to do.
func pathError(verb, path string, err error) error {
	advice := "check the path"
	if errors.Is(err, fs.ErrPermission) {
		advice = "check who may use it"
	}
	return fmt.Errorf("%s trace %q: %w; %s", verb, path, bare(err), advice)
}

// entry is a packet and the line that it stands in.
type entry struct {
	Packet
	line int
}

// ReadTrace reads a trace: a header with frame_ms and rtt_ms, comments, and
// packets in any order, at most MaxLength of them. Whatever is wrong is an
// ErrTrace that names the line. Packets come back by sequence.
func ReadTrace(r io.Reader) (Trace, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxLine), maxLine)
	var (
		t       Trace
		entries []entry
		n       int
	)
	for lines.Scan() {
		n++
		text := lines.Text() // without the line's end, be it LF or CRLF
		var err error
		switch {
		case n == 1:
			t, err = parseHeader(text)
		case strings.HasPrefix(text, "#"):
		default:
			e := entry{line: n}
			if e.Packet, err = parsePacket(text, n); err == nil {
				entries = append(entries, e)
			}
		}
		if err == nil && len(entries) > t.frames(MaxLength) {
			err = traceError(n, "more than %d packets: cut the trace to %s or less", t.frames(MaxLength), hours(MaxLength))
		}
		if err != nil {
			return Trace{}, err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return Trace{}, traceError(n+1, "longer than %d bytes: is this a trace?", maxLine-1)
	case err != nil:
		return Trace{}, fmt.Errorf("line %d: %w", n+1, err)
	case n == 0:
		return Trace{}, traceError(1, "the file is empty, want a header such as # frame_ms=20 rtt_ms=60")
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.Seq, b.Seq) })
	if err := t.check(entries); err != nil {
		return Trace{}, err
	}
	t.Packets = make([]Packet, 0, len(entries))
	for _, e := range entries {
		t.Packets = append(t.Packets, e.Packet)
	}
	return t, nil
}

func hours(d time.Duration) string { return fmt.Sprintf("%g h", d.Hours()) }

// frames returns how many frames last d.
func (t Trace) frames(d time.Duration) int { return int(d.Milliseconds()) / max(1, t.FrameMS) }

// parseHeader reads the first line, which may say more than is needed.
func parseHeader(text string) (Trace, error) {
	const want = "want a header such as # frame_ms=20 rtt_ms=60"
	var frame, rtt string
	if strings.HasPrefix(text, "#") {
		for _, word := range strings.Fields(text[1:]) {
			if v, ok := strings.CutPrefix(word, "frame_ms="); ok && frame == "" {
				frame = v
			}
			if v, ok := strings.CutPrefix(word, "rtt_ms="); ok && rtt == "" {
				rtt = v
			}
		}
	}
	if frame == "" || rtt == "" {
		return Trace{}, traceError(1, want)
	}
	ms, err := strconv.Atoi(frame)
	if err != nil || ms != 10 && ms != 20 {
		return Trace{}, traceError(1, "frame_ms=%.20s: use 10 or 20, the frames that there are", frame)
	}
	trip, err := strconv.ParseFloat(rtt, 64)
	if err != nil || !(trip >= 0 && trip <= maxRTTMS) {
		return Trace{}, traceError(1, "rtt_ms=%.20s: use 0 to %d", rtt, maxRTTMS)
	}
	return Trace{FrameMS: ms, RTTMS: trip}, nil
}

// parsePacket reads a packet's line and checks each value by itself.
func parsePacket(text string, line int) (Packet, error) {
	var p Packet
	words := strings.Fields(text)
	if len(words) < 3 || len(words) > 4 || len(words) == 4 && words[3] != "0" && words[3] != "1" {
		return p, traceError(line, "want seq send_us arrive_us [dtx], got %.60q", text)
	}
	p.DTX = len(words) == 4 && words[3] == "1"
	for i, v := range []struct {
		name string
		most int64
		to   *int64
	}{{"seq", maxSeq, &p.Seq}, {"send_us", maxTime, &p.SendUS}, {"arrive_us", maxTime, &p.ArriveUS}} {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil || n < 0 || n > v.most {
			return p, traceError(line, "%s %.30q: use a whole number from 0 to %d", v.name, words[i], v.most)
		}
		*v.to = n
	}
	switch late := p.ArriveUS - p.SendUS; {
	case late > maxDelay:
		return p, traceError(line, "the packet arrives %d s after it was sent: more than an hour", late/1e6)
	case -late > maxAdvance:
		return p, traceError(line, "the packet arrives %d s before it was sent: more than a minute", -late/1e6)
	}
	return p, nil
}

// check looks at packets, by sequence, side by side.
func (t Trace) check(entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	first := entries[0]
	early := first
	for i, e := range entries[1:] {
		switch last := entries[i]; {
		case e.Seq == last.Seq:
			return traceError(e.line, "sequence %d is in line %d already: a packet arrives once", e.Seq, last.line)
		case e.SendUS <= last.SendUS:
			return traceError(e.line, "sequence %d is sent at %d µs, not after sequence %d (line %d, %d µs)",
				e.Seq, e.SendUS, last.Seq, last.line, last.SendUS)
		}
		if e.ArriveUS < early.ArriveUS {
			early = e
		}
	}
	for _, e := range entries {
		if e.Seq-first.Seq >= int64(t.frames(MaxLength)) || max(e.SendUS-first.SendUS, e.ArriveUS-early.ArriveUS) > MaxLength.Microseconds() {
			return traceError(e.line, "the trace is longer than %s: cut it", hours(MaxLength))
		}
	}
	return nil
}
