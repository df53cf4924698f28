package blackbox

import (
	"encoding/binary"
	"sync"
	"time"
)

const (
	// headBytes begin a record: the length of what follows these two bytes, the
	// kind, and when it was made.
	headBytes = 2 + 1 + 8
	// copyBytes is how much a reader copies under the lock at once: some 10 µs.
	copyBytes = 64 << 10
)

// ring keeps records of at most Keep in a fixed number of bytes, the newest. The
// zero value holds nothing; use newRing.
type ring struct {
	mu   sync.Mutex
	buf  []byte
	rec  []byte // the record that is being made
	head uint64 // bytes ever written
	tail uint64 // of them gone
	last time.Duration
}

func newRing(bytes int) *ring {
	return &ring{buf: make([]byte, bytes), rec: make([]byte, 0, maxRecord)}
}

// begin begins a record of what happened at that time. The caller holds the lock,
// appends to rec and calls end.
func (r *ring) begin(k kind, at time.Duration) {
	r.last = max(r.last, at)
	r.rec = append(r.rec[:0], 0, 0, byte(k))
	r.rec = binary.LittleEndian.AppendUint64(r.rec, uint64(r.last))
}

// end puts the record into the ring, in the place of the oldest where there is no
// room.
func (r *ring) end() {
	need := uint64(len(r.rec))
	binary.LittleEndian.PutUint16(r.rec, uint16(need-2))
	size := uint64(len(r.buf))
	for r.tail < r.head && r.head+need-r.tail > size {
		r.drop()
	}
	for r.tail < r.head && r.oldest() < r.last-Keep {
		r.drop()
	}
	n := copy(r.buf[r.head%size:], r.rec)
	copy(r.buf, r.rec[n:])
	r.head += need
}

// drop lets the oldest record go.
func (r *ring) drop() {
	var length [2]byte
	r.peek(length[:], r.tail)
	r.tail += 2 + uint64(binary.LittleEndian.Uint16(length[:]))
}

// oldest is when the oldest record was made.
func (r *ring) oldest() time.Duration {
	var at [8]byte
	r.peek(at[:], r.tail+3)
	return time.Duration(binary.LittleEndian.Uint64(at[:]))
}

func (r *ring) peek(dst []byte, from uint64) {
	n := copy(dst, r.buf[from%uint64(len(r.buf)):])
	copy(dst[n:], r.buf)
}

// newest is where the newest record ends.
func (r *ring) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head
}

// copy returns the records that are held up to a place, and where they begin. What
// goes meanwhile is not among them.
func (r *ring) copy(until uint64) (records []byte, from uint64) {
	r.mu.Lock()
	at := r.tail
	r.mu.Unlock()
	from = at
	records = make([]byte, 0, until-min(at, until)) // here: who plays waits for the lock
	for more := true; more; {
		r.mu.Lock()
		if at < r.tail { // the ring went round meanwhile
			at = r.tail
			records, from = records[:0], at
		}
		n := min(copyBytes, until-min(at, until))
		done := uint64(len(records))
		records = records[:done+n]
		r.peek(records[done:], at)
		at += n
		more = at < until
		r.mu.Unlock()
	}
	return records, from
}
