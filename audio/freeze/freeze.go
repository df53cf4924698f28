// Package freeze writes what a part of the ear knows to bytes, and reads it back,
// so that what it did next can be done again elsewhere. The parts (packages jitter,
// stretch and playout) have one method each that names their fields once, for both
// directions:
//
//	func (x *thing) Freeze(c *freeze.Coder) {
//		freeze.Number(c, &x.count)
//		c.Check(x.count >= 0)
//	}
//
// Numbers are little-endian in 8 bytes, whatever their type. What is read may come
// from anywhere: a number that does not fit its type, a float that is none and
// bytes that are missing fail, and Check is for what else must hold. After a
// failure everything reads as zero.
//
// A Coder is for one goroutine. Writing allocates only while its memory grows.
package freeze

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrState marks bytes that are no such state.
var ErrState = errors.New("not a state of this softphone's playout")

// Coder goes through the fields of a state. The zero value writes.
type Coder struct {
	data    []byte
	reading bool
	bad     bool
}

// Writer returns a Coder that appends to dst.
func Writer(dst []byte) Coder { return Coder{data: dst} }

// Reader returns a Coder that reads b.
func Reader(b []byte) Coder { return Coder{data: b, reading: true} }

// Reading reports that the fields are being set.
func (c *Coder) Reading() bool { return c.reading }

// Bytes is what was written, or is left to read.
func (c *Coder) Bytes() []byte { return c.data }

// Check fails what is being read unless ok. It has no say while writing.
func (c *Coder) Check(ok bool) { c.bad = c.bad || c.reading && !ok }

// OK reports that nothing failed so far.
func (c *Coder) OK() bool { return !c.bad }

// End returns ErrState if what was read failed, or was not all that there is.
func (c *Coder) End() error {
	if c.bad || c.reading && len(c.data) > 0 {
		return ErrState
	}
	return nil
}

// take returns the next n bytes of what is read, nil once anything failed.
func (c *Coder) take(n int) []byte {
	if c.bad || n > len(c.data) {
		c.bad = true
		return nil
	}
	b := c.data[:n]
	c.data = c.data[n:]
	return b
}

func (c *Coder) word(v uint64) uint64 {
	if !c.reading {
		c.data = binary.LittleEndian.AppendUint64(c.data, v)
		return v
	}
	b := c.take(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// Number is a whole number.
func Number[T ~int | ~int64 | ~uint32 | ~uint64](c *Coder, v *T) {
	w := c.word(uint64(*v))
	if c.reading {
		*v = T(w)
		c.Check(uint64(*v) == w)
	}
}

// Bool is a truth.
func (c *Coder) Bool(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	Number(c, &n)
	if c.reading {
		c.Check(n == 0 || n == 1)
		*v = n == 1
	}
}

// Float is a number that is neither infinite nor none.
func (c *Coder) Float(v *float64) {
	w := c.word(math.Float64bits(*v))
	if c.reading {
		*v = math.Float64frombits(w)
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			*v, c.bad = 0, true
		}
	}
}

// Floats are as many as v has room for.
func (c *Coder) Floats(v []float64) {
	for i := range v {
		c.Float(&v[i])
	}
}

// Samples are as many as pcm has room for.
func (c *Coder) Samples(pcm []int16) {
	if !c.reading {
		for _, s := range pcm {
			c.data = binary.LittleEndian.AppendUint16(c.data, uint16(s))
		}
		return
	}
	b := c.take(2 * len(pcm))
	for i := range b[:len(b)/2] {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
}

// Data is bytes, at most so many, which are copied.
func (c *Coder) Data(v *[]byte, most int) {
	n := len(*v)
	if Number(c, &n); !c.reading {
		c.data = append(c.data, *v...)
		return
	}
	if c.Check(n >= 0 && n <= most); c.bad {
		n = 0
	}
	*v = append((*v)[:0], c.take(n)...)
}
