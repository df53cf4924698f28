// Package disk reads and writes the small files of both programs: settings, keys,
// certificates, tokens, and what they remember. What it reads is bounded and ends;
// what it writes is there whole or not at all, whatever stops the program. Paths
// may be links to what is read; a link that is written to is replaced.
//
// All functions are safe for concurrent use, and of several writers of a file the
// last wins. Who reads a file before it is written holds a lock of its own.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OwnerOnly is the mode of what nobody else may read.
const OwnerOnly fs.FileMode = 0o600

// ErrTooLarge is of a file that is larger than it may be.
var ErrTooLarge = errors.New("is too large")

// errNoFile is of a folder, and of a device or a pipe, which might never end.
var errNoFile = errors.New("it is no regular file")

// Read returns the content of a file of at most so many bytes. Of a larger one it
// returns as many, and an error that wraps ErrTooLarge. Each error is a
// *fs.PathError.
func Read(path string, most int) ([]byte, error) { return read(path, most, 0) }

// ReadOnce is Read, of a pipe too, such as a shell names for <(command). It waits for
// the pipe's writer, and what was read is gone.
func ReadOnce(path string, most int) ([]byte, error) { return read(path, most, fs.ModeNamedPipe) }

// read is Read, of files of another type too.
func read(path string, most int, also fs.FileMode) ([]byte, error) {
	info, err := os.Stat(path) // as opening a pipe would wait for its writer
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: Cause(err)}
	}
	if info.Mode().Type()&^also != 0 {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNoFile}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > most {
		return b[:most], &fs.PathError{Op: "read", Path: path, Err: tooLargeError(most)}
	}
	return b, nil
}

// tooLargeError is ErrTooLarge with how large a file may be.
type tooLargeError int

func (t tooLargeError) Error() string {
	if t >= 1<<20 && t%(1<<20) == 0 {
		return fmt.Sprintf("it is larger than %d MiB", t>>20)
	}
	return fmt.Sprintf("it is larger than %d bytes", int(t))
}

func (t tooLargeError) Is(target error) bool { return target == ErrTooLarge }

// Cause takes the operation and the paths, which the caller names, off an error.
func Cause(err error) error {
	var of *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &of):
		return of.Err
	case errors.As(err, &two):
		return two.Err
	}
	return err
}

// Create writes a file that is not there yet. Where there is one it is left alone,
// and the error wraps fs.ErrExist.
func Create(path string, mode fs.FileMode, text []byte) error {
	fresh, err := Beside(path, mode, text)
	if err != nil {
		return err
	}
	if err = os.Link(fresh, path); err == nil || errors.Is(err, fs.ErrExist) { // it replaces nothing
		err = errors.Join(err, os.Remove(fresh))
	} else if _, there := os.Lstat(path); there == nil {
		err = errors.Join(&fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}, os.Remove(fresh))
	} else {
		err = move(fresh, path) // a file system without links
	}
	SyncFolder(filepath.Dir(path))
	return err
}

// Replace writes a file, in the place of one that may be there.
func Replace(path string, mode fs.FileMode, text []byte) error {
	fresh, err := Beside(path, mode, text)
	if err != nil {
		return err
	}
	err = move(fresh, path)
	SyncFolder(filepath.Dir(path))
	return err
}

// move gives a new file its name, or removes it.
func move(fresh, path string) error {
	err := os.Rename(fresh, path)
	if err != nil {
		err = errors.Join(err, os.Remove(fresh))
	}
	return err
}

// Beside writes a file with a name of its own into the folder of path, and returns
// that name. Its content is on disk.
func Beside(path string, mode fs.FileMode, text []byte) (fresh string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// SyncFolder puts the names in a folder on disk, where the file system does that and
// the folder may be read. A file that was written is whole either way.
func SyncFolder(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close() // nothing was written
	}
}
