package blackbox

import (
	"encoding/binary"
	"errors"
	"time"

	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/codec"
)

// kind is what a record is.
type kind byte

const (
	// Of the playout, in a file too.
	kindPushed  kind = 1
	kindPulled  kind = 2
	kindOneWay  kind = 3
	kindAhead   kind = 4
	kindFlushed kind = 5
	// In memory only.
	kindCame kind = 6
	kindSent kind = 7
)

const (
	pushedBytes = 8 + 8 + 8 + 4 + 4 + 4 + 1
	pulledBytes = 8 + 2 + 1 + 8 + 4 + 3*4 + 8 + 8
	cameBytes   = 8 + 8 + 8 + 4 + 8 + 4 + 4 + 2 + 8 + 4 + 8
	sentBytes   = 8 + 8 + 8 + 8 + 4 + 4 + 4 + 2
	maxRecord   = headBytes + 128 + codec.MaxPacket
)

// errTape marks a tape that no Recorder has written.
var errTape = errors.New("its records make no sense")

// record is one record, taken apart as far as all kinds have it.
type record struct {
	kind  kind
	at    time.Duration
	body  []byte
	whole []byte
}

// walk calls f with each record until one fails.
func walk(tape []byte, f func(record) error) error {
	for len(tape) > 0 {
		if len(tape) < headBytes {
			return errTape
		}
		n := int(binary.LittleEndian.Uint16(tape))
		if n < headBytes-2 || n > maxRecord || 2+n > len(tape) {
			return errTape
		}
		r := record{kind(tape[2]), time.Duration(binary.LittleEndian.Uint64(tape[3:])), tape[headBytes : 2+n], tape[:2+n]}
		if r.at < 0 || r.at > maxTime {
			return errTape
		}
		if err := f(r); err != nil {
			return err
		}
		tape = tape[2+n:]
	}
	return nil
}

// maxTime bounds what a clock may say: thirty years since this computer started.
const maxTime = 30 * 365 * 24 * time.Hour

// words takes numbers off the front of a record's body, whose length was checked.
type words []byte

func (w *words) u64() uint64 {
	v := binary.LittleEndian.Uint64(*w)
	*w = (*w)[8:]
	return v
}

func (w *words) u32() uint32 {
	v := binary.LittleEndian.Uint32(*w)
	*w = (*w)[4:]
	return v
}

func (w *words) u16() uint16 {
	v := binary.LittleEndian.Uint16(*w)
	*w = (*w)[2:]
	return v
}

func (w *words) u8() byte {
	v := (*w)[0]
	*w = (*w)[1:]
	return v
}

func (w *words) time() time.Duration { return time.Duration(w.u64()) }

// The marks of a packet on the tape.
const (
	flagDTX  = 1
	flagTalk = 2
)

func (r *ring) u64(v uint64)         { r.rec = binary.LittleEndian.AppendUint64(r.rec, v) }
func (r *ring) u32(v uint32)         { r.rec = binary.LittleEndian.AppendUint32(r.rec, v) }
func (r *ring) u16(v uint16)         { r.rec = binary.LittleEndian.AppendUint16(r.rec, v) }
func (r *ring) time(d time.Duration) { r.u64(uint64(d)) }

func (r *ring) pushed(p *jitter.Packet, now time.Duration) {
	r.begin(kindPushed, now)
	r.time(now)
	r.u64(p.Sequence)
	r.u64(uint64(p.Media))
	r.u32(p.Epoch)
	r.u32(uint32(p.DroppedBefore))
	r.u32(uint32(p.Samples))
	flags := byte(0)
	if p.DTX {
		flags |= flagDTX
	}
	if p.Talk {
		flags |= flagTalk
	}
	r.rec = append(append(r.rec, flags), p.Data...)
	r.end()
}

// parsePushed returns the packet, whose data is the record's.
func parsePushed(r record) (p jitter.Packet, now time.Duration, err error) {
	if len(r.body) < pushedBytes || len(r.body) > pushedBytes+codec.MaxPacket {
		return p, 0, errTape
	}
	w := words(r.body)
	now = w.time()
	p = jitter.Packet{
		Sequence: w.u64(), Media: int64(w.u64()), Epoch: w.u32(),
		DroppedBefore: int(w.u32()), Samples: int(w.u32()),
	}
	flags := w.u8()
	p.DTX, p.Talk, p.Data = flags&flagDTX != 0, flags&flagTalk != 0, w
	if now < 0 || now > maxTime || p.Samples > codec.MaxSamples {
		return p, 0, errTape
	}
	return p, now, nil
}

// pull is a pull on the tape.
type pull struct {
	playout.Pulled
	Now     time.Duration
	Samples int
	Target  time.Duration
}

func (r *ring) pulled(p *playout.Pulled, samples int, now, target time.Duration) {
	r.begin(kindPulled, now)
	r.time(now)
	r.u16(uint16(samples))
	r.rec = append(r.rec, byte(p.Kind))
	r.u64(uint64(p.Media))
	r.u32(p.Epoch)
	for _, n := range [...]int{p.Inserted, p.Removed, p.Concealed} {
		r.u32(uint32(n))
	}
	r.time(p.Delay)
	r.time(target)
	r.end()
}

func parsePulled(r record) (p pull, err error) {
	if len(r.body) != pulledBytes {
		return p, errTape
	}
	w := words(r.body)
	p.Now, p.Samples = w.time(), int(w.u16())
	p.Kind, p.Media, p.Epoch = playout.Kind(w.u8()), int64(w.u64()), w.u32()
	p.Inserted, p.Removed, p.Concealed = int(int32(w.u32())), int(int32(w.u32())), int(int32(w.u32()))
	p.Delay, p.Target = w.time(), w.time()
	if p.Now < 0 || p.Now > maxTime || p.Samples != halfPeriod && p.Samples != 2*halfPeriod {
		return p, errTape
	}
	return p, nil
}

// told is a record that says a time only, or nothing.
func (r *ring) told(k kind, d time.Duration) {
	r.begin(k, r.last)
	if k != kindFlushed {
		r.time(d)
	}
	r.end()
}

func parseTold(r record) (time.Duration, error) {
	if len(r.body) != 8 {
		return 0, errTape
	}
	w := words(r.body)
	return w.time(), nil
}
