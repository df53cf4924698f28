package room

import (
	"errors"
	"fmt"
	"sync/atomic"

	"callcenter/codec"
)

// maxBad is how many frames in a row may be malformed or impossible to decode: a
// second of audio at 20 ms a frame. Whoever sends more of them sends no audio.
const maxBad = 50

// ErrMalformed marks the end of a call whose frames are no audio of its codec.
var ErrMalformed = errors.New("audio_data")

// media judges what a member sends. Malformed frames are known when they come, those
// that cannot be decoded only when they are played, and of those who have not the floor
// never. So a good frame that comes ends a row, unless what was decoded last was bad:
// then it takes one that was decoded well. It is the call's and not a stream's: a row
// goes on over a resume. Any goroutine may use it.
type media struct {
	codec     string
	malformed atomic.Uint64
	row       atomic.Int64
	failing   atomic.Int64 // frames in a row that could not be decoded, up to the newest
}

// bad takes a malformed frame.
func (m *media) bad() error {
	m.malformed.Add(1)
	return m.more(1)
}

// good takes a frame that a decoder may see.
func (m *media) good() {
	if m.row.Load() != 0 && m.failing.Load() == 0 {
		m.row.Store(0)
	}
}

// decoded takes how many frames in a row could not be decoded, up to the newest.
func (m *media) decoded(failing int64) error {
	was := m.failing.Load()
	if failing == was {
		return nil
	}
	m.failing.Store(failing)
	if failing > was {
		return m.more(failing - was)
	}
	m.row.Store(failing) // one was decoded meanwhile
	return nil
}

// more lengthens the row. The error says that it is too long.
func (m *media) more(n int64) error {
	if m.row.Add(n) < maxBad {
		return nil
	}
	what := "%w: %d frames in a row cannot be decoded as opus: send whole Opus packets of 2.5 to 60 ms"
	if m.codec == codec.PCM {
		what = "%w: %d frames in a row are no pcm: send whole samples of 16 bits for each channel"
	}
	return fmt.Errorf(what, ErrMalformed, maxBad)
}

// isMalformed reports a frame whose audio no decoder may see.
func (u *Uplink) isMalformed() bool { return !u.Playable && len(u.Frame.Data) > 0 }
