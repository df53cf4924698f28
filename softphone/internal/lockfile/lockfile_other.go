//go:build !unix

package lockfile

import (
	"errors"
	"os"
)

// Wait locks nothing: where there is no lock two softphones at once may forget
// the older of two changes, and nothing else, since files are replaced whole.
func Wait(string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}

// Hold creates the file at path as a sign of life until release, which removes it.
func Hold(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// Held reports that the file is there: without locks nobody is declared dead.
func Held(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
