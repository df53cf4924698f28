package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"callcenter/softphone/internal/printable"
)

// Report is how a swarm went, as scripts read it. Delays are in milliseconds;
// everything but failures, refused and ended_early is of the time measured.
type Report struct {
	Server         string  `json:"server"`
	Destination    string  `json:"destination"`
	Codec          string  `json:"codec"`
	FrameMS        int     `json:"frame_ms"`
	Calls          int     `json:"calls"`
	Rooms          int     `json:"rooms,omitempty"`
	Talkers        int     `json:"talkers,omitempty"`
	StreamsPerConn int     `json:"streams_per_conn"`
	DurationS      float64 `json:"duration_s"`

	Held       int               `json:"held"` // to the end of the duration
	Refused    map[string]int    `json:"refused"`
	EndedEarly map[string]int    `json:"ended_early"`
	Reasons    map[string]string `json:"reasons,omitempty"` // the first of each status

	// AddedDelay is, from the scheduled time of sending, of each echo frame or of
	// the marks that ears found.
	AddedDelay Delay `json:"added_delay_ms"`
	// Missed are the marks between others that no ear found.
	Missed uint64 `json:"marks_missed,omitempty"`
	// Behind is how far the frames that are heard of a room come behind the
	// fastest of their call.
	Behind *Delay `json:"behind_ms,omitempty"`
	// ServerTarget is what the server reports of its buffers for our voices.
	ServerTarget *Delay `json:"server_target_ms,omitempty"`
	// TurnLate is how late this program was itself, which is part of the delay.
	TurnLate Delay `json:"turn_late_ms"`

	Sent     uint64 `json:"sent"` // frames with audio
	Received uint64 `json:"received"`
	Late     uint64 `json:"late"`    // by more than 20 ms
	Dropped  uint64 `json:"dropped"` // marked on what came
	Unsent   uint64 `json:"unsent"`  // dropped here, because the server did not acknowledge
	Lost     uint64 `json:"lost"`    // missing without a mark
	// Concealed are the frames of ours that the server's buffers made up, by its
	// reports.
	Concealed float64 `json:"server_concealed"`
	// Verified are the frames that are, byte by byte, what was sent: echoes, and
	// what a room forwards.
	Verified uint64 `json:"verified"`
	Windows  uint64 `json:"windows"` // of 200 ms that ears found right
	Failures uint64 `json:"verification_failures"`

	// Restarts is how often the server's clock of a call started anew, which it
	// does when it comes too late, and Unjudged how many windows were left out
	// because this program was late itself.
	Restarts uint64 `json:"restarts"`
	Unjudged uint64 `json:"windows_unjudged"`

	Examples []string `json:"failures,omitempty"`

	// ServerCPU is nil where the server is not on this computer, or not to be
	// found; Cores are those that this program used, where that is known.
	ServerCPU    *ServerCPU    `json:"server_cpu,omitempty"`
	ServerMemory *ServerMemory `json:"server_memory,omitempty"`
	Cores        float64       `json:"generator_cores,omitempty"`

	Error string `json:"error,omitempty"`

	listened time.Duration // so long ears should have had something to verify
}

// ServerCPU is what the server's process used while the calls were held.
type ServerCPU struct {
	PID        int     `json:"pid"`
	Cores      float64 `json:"cores"`
	CallPct    float64 `json:"pct_of_a_core_per_call"`
	USPerFrame float64 `json:"us_per_call_and_frame"`
}

// meter is what the figures of a measurement are taken against.
type meter struct {
	at             time.Duration
	server         process // zero: not known
	used, own      time.Duration
	sent, received uint64
	concealed      uint64
	memory         *memory
}

func (s *swarm) begin() meter {
	m := meter{at: s.clock(), server: findServer(s.cfg.Server)}
	m.used, _ = m.server.used()
	m.own = ownUse()
	m.sent, m.received = s.frames()
	m.concealed = s.concealed()
	m.memory = watchMemory(m.server, s.clock)
	s.tally.measuring.Store(true)
	return m
}

// frames is how many frames with audio left and came.
func (s *swarm) frames() (sent, received uint64) {
	for _, l := range s.legs {
		sent, received = sent+l.sent.Load(), received+l.received.Load()
	}
	return sent, received
}

// concealed is how many of our samples the server says that it made up.
func (s *swarm) concealed() (n uint64) {
	for _, l := range s.legs {
		n += l.concealed.Load()
	}
	return n
}

func (s *swarm) held() (n int) {
	for _, l := range s.legs {
		if l.held.Load() {
			n++
		}
	}
	return n
}

// finish ends measuring, while the calls are still held.
func (s *swarm) finish(from meter) Report {
	t, cfg := &s.tally, &s.cfg
	t.measuring.Store(false)
	took := max(s.clock()-from.at, time.Millisecond)
	sent, received := s.frames()
	r := Report{
		Server: cfg.Server, Destination: cfg.Destination, Codec: cfg.Codec.Name(),
		FrameMS: int(cfg.frame() / time.Millisecond), Calls: cfg.Calls, StreamsPerConn: cfg.Streams,
		DurationS: took.Round(time.Millisecond).Seconds(), Held: s.held(),
		Sent: sent - from.sent, Received: received - from.received,
		Concealed:    round(float64(s.concealed()-from.concealed) / float64(cfg.Options.FrameSamples)),
		Cores:        round(float64(ownUse()-from.own) / float64(took)),
		ServerMemory: from.memory.stop(),
	}
	if used, ok := from.server.used(); ok && r.Held > 0 {
		cores := float64(used-from.used) / float64(took)
		r.ServerCPU = &ServerCPU{
			PID: from.server.pid, Cores: round(cores), CallPct: round(100 * cores / float64(r.Held)),
			USPerFrame: round(cores / float64(r.Held) * float64(cfg.frame()/time.Microsecond)),
		}
	}
	if !cfg.echo() {
		r.Rooms, r.Talkers = cfg.Rooms, cfg.Talkers
		if s.expects() {
			r.listened = took
		}
	}
	return r
}

// expects says whether an ear has to hear somebody.
func (s *swarm) expects() bool {
	return slices.ContainsFunc(s.legs, func(l *leg) bool { return l.ledger.ear != nil && l.ledger.ear.need() > 0 })
}

// complete fills in what is known when the calls are over.
func (s *swarm) complete(r *Report) {
	t := &s.tally
	r.AddedDelay, r.TurnLate = t.added.delay(), t.turnLate.delay()
	if r.Rooms > 0 {
		behind := t.behind.delay()
		r.Behind = &behind
	}
	if target := t.targets.delay(); target.Count > 0 {
		r.ServerTarget = &target
	}
	r.Late, r.Dropped, r.Lost = t.late.Load(), t.dropped.Load(), t.lost.Load()
	r.Missed = t.missed.Load()
	r.Restarts, r.Unjudged = t.restarts.Load(), t.unjudged.Load()
	r.Verified, r.Windows, r.Failures = t.verified.Load(), t.windows.Load(), t.failures.Load()
	for _, l := range s.legs {
		q := l.queue.Stats()
		r.Unsent += q.DroppedAge + q.DroppedFull
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Examples, r.Reasons = t.wrong, t.reasons
	// Empty, and not null, for scripts.
	r.Refused, r.EndedEarly = make(map[string]int), make(map[string]int)
	maps.Copy(r.Refused, t.refused)
	maps.Copy(r.EndedEarly, t.broken)
}

// verdict is what the server did wrong, or nil.
func (r *Report) verdict() error {
	var errs []error
	if r.Held < r.Calls {
		why := "they did not begin before the end"
		if len(r.Reasons) > 0 {
			why = strings.Join(r.sentences(), "; ")
		}
		errs = append(errs, fmt.Errorf("server %s held %d of %d calls: %s", r.Server, r.Held, r.Calls, why))
	}
	switch {
	case r.Failures > 0:
		errs = append(errs, fmt.Errorf("%d verifications failed, the first: %s", r.Failures, strings.Join(r.Examples, "; ")))
	case r.Rooms == 0 && r.Held > 0 && r.Verified == 0:
		errs = append(errs, errors.New("no frame came back, so nothing was verified: is the server stalled?"))
	case r.listened > 3*time.Second && r.Windows+r.Verified == 0:
		errs = append(errs, errors.New("no ear heard 200 ms without a gap, and no frame was forwarded, so nothing was verified: is the server or this computer overloaded?"))
	}
	return errors.Join(errs...)
}

// sentences say how many calls were refused or ended, by status, and what to do.
func (r *Report) sentences() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.Reasons)) {
		why := printable.Clean(r.Reasons[name])
		if n := r.Refused[name]; n > 0 {
			all = append(all, fmt.Sprintf("refused %d with %s (%s)%s", n, name, why, advice(name)))
		}
		if n := r.EndedEarly[name]; n > 0 {
			all = append(all, fmt.Sprintf("ended %d early with %s (%s)", n, name, why))
		}
	}
	return all
}

func advice(status string) string {
	switch status {
	case "ResourceExhausted":
		return ": use fewer --calls or more --rooms, or let the server take more (--max-calls)"
	case "Unavailable":
		return ": check that it runs, or name another with --server"
	case "NotFound":
		return ": name echo or room/NAME with --dest"
	}
	return ""
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// progress writes a line a second until ctx ends.
func (s *swarm) progress(ctx context.Context) {
	began := s.clock()
	for wait(ctx, time.Second) {
		t := &s.tally
		sent, received := s.frames()
		line := fmt.Sprintf("%4.0f s  held %d of %d, dialing %d  sent %d, received %d",
			(s.clock() - began).Seconds(), s.held(), s.cfg.Calls, t.dialing.Load(), sent, received)
		if t.added.n.Load() > 0 {
			line += fmt.Sprintf("  added p50 %.1f, p99 %.1f ms  late %d, dropped %d",
				ms(t.added.percentile(0.5)), ms(t.added.percentile(0.99)), t.late.Load(), t.dropped.Load())
		}
		_, _ = fmt.Fprintf(s.cfg.Progress, "%s  failures %d\n", line, t.failures.Load())
	}
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "swarm to %s at %s for %.1f s, %s %d ms, calls on each connection: %d\n", r.Destination, r.Server, r.DurationS, r.Codec, r.FrameMS, r.StreamsPerConn)
	fmt.Fprintf(&b, "calls         held %d of %d", r.Held, r.Calls)
	if r.Rooms > 0 {
		fmt.Fprintf(&b, ", rooms %d, talkers in each %d", r.Rooms, r.Talkers)
	}
	b.WriteByte('\n')
	line := func(name string, d Delay, what string) {
		fmt.Fprintf(&b, "%-13s p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms, %s %d\n", name, d.P50, d.P95, d.P99, d.Max, what, d.Count)
	}
	if r.Rooms > 0 {
		line("added delay", r.AddedDelay, fmt.Sprintf("marks missed %d, heard", r.Missed))
		line("behind", *r.Behind, "frames")
	} else {
		line("added delay", r.AddedDelay, "frames")
	}
	if r.ServerTarget != nil {
		line("its target", *r.ServerTarget, "reports")
	}
	line("own lateness", r.TurnLate, "turns")
	fmt.Fprintf(&b, "frames        sent %d, received %d, late %d, dropped %d, not sent %d, lost %d, concealed there %.0f, restarts %d\n", r.Sent, r.Received, r.Late, r.Dropped, r.Unsent, r.Lost, r.Concealed, r.Restarts)
	verified, what := r.Verified, "echo frames are what was sent"
	if r.Rooms > 0 {
		verified, what = r.Windows, fmt.Sprintf("windows of 200 ms are what was said, not judged %d, and %d frames as they were sent", r.Unjudged, r.Verified)
	}
	fmt.Fprintf(&b, "verified      %d %s, failures %d\n", verified, what, r.Failures)
	if c := r.ServerCPU; c != nil {
		fmt.Fprintf(&b, "server CPU    %.2f cores, %.2f %% of one for each call, %.1f µs for each call and frame (process %d)\n", c.Cores, c.CallPct, c.USPerFrame, c.PID)
	}
	if m := r.ServerMemory; m != nil {
		fmt.Fprintf(&b, "its memory    begin %.1f, end %.1f, peak %.1f MiB, growing by %.2f MiB a minute\n", m.Begin, m.End, m.Peak, m.Growth)
	}
	if r.Cores > 0 {
		fmt.Fprintf(&b, "swarm's CPU   %.2f cores\n", r.Cores)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
