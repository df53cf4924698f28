// Package history keeps the calls that were: who, when, how long, how well, and
// how each ended. The phone tells a Store of every call once it is dialed, every
// few seconds while it goes on, and at its end; a Finder, and the history command,
// look for calls; the dial prompt has what was dialed before from here.
//
// It is one SQLite database for its owner only, which two softphones may write
// at once and others read meanwhile:
//
//   - database.go opens it, or puts aside what is no use and begins a new one
//   - store.go is the one goroutine that writes, and what waits for it
//   - find.go reads, in a connection of its own that cannot write
//   - end.go tells a call that goes on from one whose softphone died
//
// A call never waits for any of this, nor fails because of it: the methods that
// the phone calls touch memory only, and what cannot be written is a sentence.
//
// The log of SQLite (WAL) lets others read while one writes. It is not synced
// with every change (synchronous NORMAL): a softphone that is killed loses
// nothing by that, since the system has what was written, and a computer that
// loses its power loses no more than the call of that moment, since the log is
// synced and merged at the end of each. Syncing every refresh would keep a disk
// busy all day for the length of that one call.
package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// version is that of the tables, as user_version has it, and application says
	// in the file whose tables they are: "Call", in ASCII.
	version     = 1
	application = 0x43616c6c
	// Most is how many calls are kept, the newest.
	Most = 10000
	// mostRecent is how many dialed destinations are kept.
	mostRecent = 50
	// maxText is the longest text that is kept, in characters.
	maxText = 512
)

// newerError says that the database is of a softphone that knows more than this.
type newerError struct {
	path string
	is   int
}

func (e *newerError) Error() string {
	return fmt.Sprintf("the history of calls, %s, is of a newer softphone (form %d, this one knows %d): it is left alone, and no call is kept until this softphone is brought up to date, or the file is moved away",
		e.path, e.is, version)
}

// damagedError says why a database is no use.
type damagedError struct{ why string }

func (e *damagedError) Error() string { return e.why }

// asideError says that a database was no use and where it is kept.
type asideError struct {
	path, kept, why string
	rename          error // why it is not kept
}

func (e *asideError) Error() string {
	if e.rename != nil {
		return fmt.Sprintf("the history of calls, %s, %s and cannot be put aside (%v): no call is kept until it is moved away", e.path, e.why, e.rename)
	}
	return fmt.Sprintf("the history of calls, %s, %s: it is kept as %s, and a new history begins", e.path, e.why, e.kept)
}

// code is SQLite's primary result code of an error, or 0.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// damaged reports an error that only the content of a database can make. A disk
// that is full or fails, and a database that is in use, are not its fault.
func damaged(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return true
	}
	return false
}

// whyNoUse says why the database at path, which could not be opened because of
// err, is no use, or "" if it may be another time.
func whyNoUse(path string, err error) string {
	var e *damagedError
	switch {
	case errors.As(err, &e):
		return e.why
	case damaged(err):
		return "is damaged"
	case code(err) == sqlite3.SQLITE_ERROR:
		return "has other tables than those of this softphone" // to which our statements fit
	case !permitted(path):
		return "may not be read and written by you"
	}
	return ""
}

// permitted reports that this user may write the file, if it is there. It must not
// be called while this process writes the database: a file that is closed gives
// back all locks that the process has on it, SQLite's too.
func permitted(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = f.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
}
