package replay

import (
	"errors"
	"fmt"
	"time"

	"callcenter/audio"
	"callcenter/audio/file"
)

// minLoop keeps a tiny file from being opened all the time.
const minLoop = 100 * time.Millisecond

// Loop plays a WAV file again and again. It is an audio.Source for one
// goroutine.
type Loop struct {
	path string
	in   *file.Reader
	left int // samples of this round
	err  error
}

// OpenLoop opens the WAV file at path, of any rate.
func OpenLoop(path string) (*Loop, error) {
	l := &Loop{path: path}
	if err := l.open(); err != nil {
		return nil, err
	}
	if d := l.in.Duration(); d < minLoop {
		return nil, errors.Join(fmt.Errorf("WAV file %q lasts %v: use one of %v or more", path, d.Round(time.Millisecond), minLoop), l.Close())
	}
	return l, nil
}

func (l *Loop) open() (err error) {
	if l.in, err = file.Open(l.path); err == nil {
		l.left = audio.Samples(l.in.Duration() + time.Second/audio.Rate/2) // rounded
	}
	return err
}

// Fill writes the next samples; after an error, silence.
func (l *Loop) Fill(dst []int16) {
	for len(dst) > 0 && l.err == nil {
		if l.left <= 0 {
			if l.err = errors.Join(l.in.Close(), l.open()); l.err != nil {
				break
			}
		}
		n := min(len(dst), l.left)
		l.in.Fill(dst[:n])
		l.err = l.in.Err()
		l.left -= n
		dst = dst[n:]
	}
	clear(dst)
}

// Err returns why the file gives silence now, or nil.
func (l *Loop) Err() error { return l.err }

// Close closes the file. Fill is not called afterwards.
func (l *Loop) Close() error {
	if l.in == nil {
		return nil
	}
	return l.in.Close()
}
