package admission

import "time"

// The frames of HTTP/2 (RFC 9113, section 6) that carry no message cost a server
// far more than they cost whoever sends them: settings and pings are answered,
// streams that are reset at once were opened before (CVE-2023-44487), header
// blocks may go on without end, and data may come in single bytes, or for streams
// that are long over. gRPC bounds the memory that they take but not how fast they
// come. So a connection has a budget for each frameTime, of as many messages as all
// of its streams may send at twice the rate of package callcenter. What carries no
// message counts more: there remain 5000 such frames a second, or 250 streams, for
// a connection of 100 streams. No softphone or load generator comes near.
const (
	frameTime     = 4 * time.Second
	streamBudget  = 2000 // messages of a stream in frameTime
	leastStreams  = 100
	emptyWeight   = 10
	headersWeight = 200

	prefaceLen     = 24 // what a client says first
	frameHeaderLen = 9
	// tinyData is a piece of a message that is no whole message: gRPC puts five
	// bytes before each.
	tinyData = 5
)

// Frame types.
const (
	frameData         = 0
	frameHeaders      = 1
	frameContinuation = 9
)

// Meter watches what comes in on one connection, above TLS. One goroutine uses
// it. Use NewMeter.
type Meter struct {
	skip   int // bytes before the next frame's header
	header [frameHeaderLen]byte
	have   int // bytes of header
	budget int
	left   int
	since  time.Time
}

// NewMeter returns the meter of a connection that begins now and may carry so many
// streams at a time.
func NewMeter(now time.Time, streams int) *Meter {
	budget := streamBudget * max(leastStreams, streams)
	return &Meter{skip: prefaceLen, budget: budget, left: budget, since: now}
}

// Read looks at the bytes that came, and reports whether that is bearable. It
// asks now only when a budget is used up.
func (m *Meter) Read(b []byte, now func() time.Time) bool {
	for len(b) > 0 {
		if m.skip > 0 {
			n := min(m.skip, len(b))
			m.skip -= n
			b = b[n:]
			continue
		}
		n := copy(m.header[m.have:], b)
		m.have += n
		b = b[n:]
		if m.have < frameHeaderLen {
			return true
		}
		m.have = 0
		m.skip = int(m.header[0])<<16 | int(m.header[1])<<8 | int(m.header[2])
		if m.left -= m.weight(); m.left < 0 && !m.renew(now()) {
			return false
		}
	}
	return true
}

// weight is that of the frame whose header is there.
func (m *Meter) weight() int {
	switch kind := m.header[3]; {
	case kind == frameHeaders, kind == frameContinuation:
		return headersWeight
	case kind == frameData && m.skip >= tinyData:
		return 1
	}
	return emptyWeight
}

// renew reports whether the budget lasted.
func (m *Meter) renew(now time.Time) bool {
	if now.Sub(m.since) < frameTime {
		return false
	}
	m.left, m.since = m.budget, now
	return true
}
