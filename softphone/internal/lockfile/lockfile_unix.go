//go:build unix

package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const look = 10 * time.Millisecond

// Wait keeps others away until unlock, and waits for them up to Limit. It creates
// the file at path and leaves it.
func Wait(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for waited := time.Duration(0); ; waited += look {
		err := flock(f, syscall.LOCK_EX)
		switch {
		case err == nil:
			return f.Close, nil
		case errors.Is(err, syscall.EWOULDBLOCK) && waited < Limit, errors.Is(err, syscall.EINTR):
			<-ticker.C
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("another softphone keeps %s locked for %v", path, Limit), f.Close())
		default:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
	}
}

// Hold creates the file at path, which nobody else uses, as a sign of life until
// release, which removes it, or until this process ends.
func Hold(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close(), os.Remove(path))
	}
	return func() error { return errors.Join(os.Remove(path), f.Close()) }, nil
}

// Held reports that who holds the file at path is alive. A file that cannot be
// looked at counts as held: nobody is declared dead by mistake.
func Held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer func() { _ = f.Close() }() // which gives back what was locked
	return flock(f, syscall.LOCK_SH) != nil
}

// flock does not wait.
func flock(f *os.File, how int) error {
	return syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
}
