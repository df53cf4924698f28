package blackbox

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/replay"
)

// content is what a recorder held at one moment, taken apart.
type content struct {
	window    window
	whole     bool   // the tape begins with the call
	tape      []byte // of the playout, up to its last pull
	counts    []count
	last      count
	hasPulled bool
	state     state // from which a tape that begins in mid-call is replayed

	came     []call.Came
	sent     []sent
	arrivals []replay.Arrival
	pulls    []pull
	near     leg
	far      leg
	rows     []Row
}

// take copies what the recorder holds. The call goes on meanwhile.
func (r *Recorder) take() (*content, error) {
	c := &content{}
	near, _ := r.near.copy(r.near.newest())
	r.far.mu.Lock()
	until := r.far.head
	counts, n := r.counts, r.counted
	c.last, c.hasPulled = r.last, r.hasPulled
	var known [states]state
	for i, s := range r.states {
		known[i] = state{s.count, bytes.Clone(s.bytes)}
	}
	r.far.mu.Unlock()
	far, from := r.far.copy(until)
	if c.whole = from == 0; !c.whole {
		c.state = earliest(known[:], from, c.last.now)
	}
	for i := max(0, n-seconds); i < n; i++ {
		if counts[i%seconds].end > from {
			c.counts = append(c.counts, counts[i%seconds])
		}
	}
	r.mu.Lock()
	for i := max(0, r.row-seconds); i < r.row; i++ {
		c.rows = append(c.rows, r.rows[i%seconds])
	}
	r.mu.Unlock()
	if err := c.readFar(far, from); err != nil {
		return nil, fmt.Errorf("far leg: %w", err)
	}
	if err := c.readNear(near); err != nil {
		return nil, fmt.Errorf("near leg: %w", err)
	}
	c.frameWindow()
	return c, nil
}

// earliest is the first state behind enough of the tape, which begins at from and
// lasts until then.
func earliest(known []state, from uint64, until time.Duration) (first state) {
	for _, s := range known {
		enough := s.end > from && s.now >= until-Keep+hearing && len(s.bytes) > 0
		if enough && (first.end == 0 || s.end < first.end) {
			first = s
		}
	}
	return first
}

// readFar takes the ring of the far leg apart. The tape ends with the last pull, so
// that the counters behind that are those of the tape.
func (c *content) readFar(records []byte, from uint64) error {
	end, until, next := from, c.last.end, 0
	oneWay, placed := time.Duration(0), false
	return walk(records, func(rec record) error {
		end += uint64(len(rec.whole))
		if c.hasPulled && end <= until && rec.kind != kindCame {
			c.tape = append(c.tape, rec.whole...)
			c.last.end = uint64(len(c.tape)) // from now on its place in the tape
		}
		if end == c.state.end && !placed {
			c.state.end, placed = uint64(len(c.tape)), true
		}
		if next < len(c.counts) && c.counts[next].end == end {
			c.counts[next].end = uint64(len(c.tape))
			next++
		}
		return c.farRecord(rec, &oneWay)
	})
}

func (c *content) farRecord(rec record, oneWay *time.Duration) (err error) {
	switch rec.kind {
	case kindPushed:
		p, now, err := parsePushed(rec)
		if err != nil {
			return err
		}
		c.arrivals = append(c.arrivals, replay.Arrival{Packet: p, At: now, RTT: 2 * *oneWay})
		if len(p.Data) > 0 {
			c.far.add(frame{p.Epoch, p.Media, p.Samples, now, p.Data})
		}
	case kindPulled:
		p, err := parsePulled(rec)
		c.pulls = append(c.pulls, p)
		return err
	case kindOneWay:
		*oneWay, err = parseTold(rec)
	case kindCame:
		var came call.Came
		came, err = parseCame(rec)
		c.came = append(c.came, came)
	case kindAhead, kindFlushed, kindSent:
	}
	return err
}

func (c *content) readNear(records []byte) error {
	return walk(records, func(rec record) error {
		s, err := parseSent(rec)
		if err != nil {
			return err
		}
		c.sent = append(c.sent, s)
		if len(s.Data) > 0 {
			c.near.add(frame{s.Epoch, int64(s.Media), s.Samples, s.Made - audio.Duration(s.Samples), s.Data})
		}
		return nil
	})
}

// frameWindow is the last minute of what is there.
func (c *content) frameWindow() {
	first, last := time.Duration(math.MaxInt64), time.Duration(0)
	see := func(at time.Duration) { first, last = min(first, at), max(last, at) }
	for i := range c.came {
		see(c.came[i].At)
	}
	for i := range c.sent {
		see(c.sent[i].At)
		see(c.sent[i].Made - audio.Duration(c.sent[i].Samples))
	}
	for i := range c.pulls {
		see(c.pulls[i].Now)
	}
	c.window = window{min(max(first, last-Keep, 0), last), last}
}

// empty reports that nothing of the call's sound is there.
func (c *content) empty() bool { return len(c.near.frames)+len(c.far.frames) == 0 }

// since is a time of the call, in seconds from the beginning of the window.
func (c *content) since(at time.Duration) string { return decimal((at - c.window.from).Seconds(), 6) }

// frames is frames.csv.
func (c *content) frames() []byte {
	t := newTable([]string{
		"leg", "at_s", "sequence", "epoch", "media", "bytes", "dropped_before", "dbov", "voice", "dtx", "talk", "muted",
		"made_s", "sender_us", "server_ms", "rtt_ms", "acknowledged",
	})
	for i := range c.sent {
		s := &c.sent[i]
		t.add(append(append([]string{
			"near", c.since(s.At), number(s.Sequence), number(s.Epoch), number(s.Media), number(len(s.Data)), number(s.DroppedBefore),
		}, marks(s.Marks)...), c.since(s.Made), "", "", "", ""))
	}
	for i := range c.came {
		f := &c.came[i]
		t.add(append(append([]string{
			"far", c.since(f.At), number(f.Sequence), number(f.Epoch), number(f.Media), number(f.Bytes), number(f.DroppedBefore),
		}, marks(f.Marks)...), "", number(f.SentAt), decimal(float64(f.ServerTime)/1000, 3), decimal(millis(f.RTT), 3), number(f.Ack)))
	}
	return t.content()
}

// marks are level, voice, silence, talk spurt and mute.
func marks(m uint32) []string {
	level := ""
	if m&wire.MarkLevelValid != 0 {
		level = number(-int(m & wire.MarkLevelMask))
	}
	return []string{level, yes(m&wire.MarkVoice != 0), yes(m&wire.MarkDTX != 0), yes(m&wire.MarkTalk != 0), yes(m&wire.MarkMuted != 0)}
}

// ear is ear.csv.
func (c *content) ear() []byte {
	t := newTable([]string{"play_s", "kind", "samples", "inserted", "removed", "concealed", "delay_ms", "target_ms"})
	for i := range c.pulls {
		p := &c.pulls[i]
		t.add([]string{
			c.since(p.Now), string(rune(p.Kind)), number(p.Samples), number(p.Inserted), number(p.Removed), number(p.Concealed),
			decimal(millis(p.Delay), 3), decimal(millis(p.Target), 3),
		})
	}
	return t.content()
}

// seconds is seconds.csv.
func (c *content) seconds() []byte {
	t := newTable(secondsHead())
	for i := range c.rows {
		t.add(c.rows[i].cells(c.rows[i].At - c.window.from))
	}
	return t.content()
}

// arrivalsAndPlay are arrivals.txt and play.txt, and how many packets a trace
// cannot hold.
func (c *content) arrivalsAndPlay() (arrivals, play []byte, leftOut int) {
	s := replay.Write(c.arrivals)
	arrivals = s.Trace.AppendHeader(nil)
	for _, p := range s.Trace.Packets {
		arrivals = p.Append(arrivals)
	}
	for i := range c.pulls {
		p := &c.pulls[i]
		play = s.Line(p.Pulled, p.Samples, p.Now).Append(play)
	}
	return arrivals, play, s.LeftOut
}
