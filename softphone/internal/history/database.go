package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"callcenter/softphone/internal/lockfile"
)

// busyMS is how long a statement waits for another softphone, which needs some
// ms for each of its own.
const busyMS = "1000"

// tables are those of version. Times are in ms, since 1970 in UTC for moments;
// a MOS of 0 is not rated, an empty end is that of a call that goes on, or whose
// writer died. words is what a search looks through, in lower case.
const tables = `
CREATE TABLE calls (
	id TEXT PRIMARY KEY, start_ms INTEGER NOT NULL, length_ms INTEGER NOT NULL,
	destination TEXT NOT NULL, name TEXT NOT NULL, server TEXT NOT NULL,
	mos REAL NOT NULL, worst_mos REAL NOT NULL, concealed_pct REAL NOT NULL,
	gaps INTEGER NOT NULL, gap_ms INTEGER NOT NULL,
	ended TEXT NOT NULL, error TEXT NOT NULL,
	words TEXT NOT NULL, writer TEXT NOT NULL
) STRICT;
CREATE INDEX calls_start ON calls (start_ms);
CREATE INDEX calls_open ON calls (writer) WHERE ended = '';
CREATE TABLE dialed (destination TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
`

// database is an open history, of the one goroutine that writes it.
type database struct {
	path    string
	file    os.FileInfo // what was opened
	sql     *sql.DB
	writer  string // this softphone, in its calls
	release func() error
}

// open opens the history at path to write, and creates it, with its folder, where
// there is none. One that is no use is put aside, with an *asideError, which is a
// warning if the database is not nil. condemned is what was found to be no use by
// writing to it, or nil.
func open(path string, condemned os.FileInfo) (d *database, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Two softphones that find it damaged put it aside once, not also what the
	// first of them began.
	unlock, err := lockfile.Wait(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if is, serr := os.Stat(path); condemned != nil && serr == nil && os.SameFile(is, condemned) {
		err = &damagedError{"is damaged"}
	} else {
		d, err = openFile(path)
	}
	if err == nil {
		return d, nil
	}
	why := whyNoUse(path, err)
	if why == "" {
		return nil, err
	}
	aside := putAside(path, why)
	if aside.rename != nil {
		return nil, aside
	}
	if d, err = openFile(path); err != nil {
		return nil, errors.Join(aside, err)
	}
	return d, aside
}

// openFile opens what is at path as it is.
func openFile(path string) (_ *database, err error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	d := &database{path: path}
	if d.file, err = os.Stat(path); err != nil {
		return nil, err
	}
	empty, err := inspect(path)
	if err != nil {
		return nil, err
	}
	if d.sql, err = connect(path, "mode=rw", "_txlock=immediate", "_synchronous=NORMAL"); err != nil {
		return nil, err
	}
	if err = d.settle(empty); err != nil {
		return nil, errors.Join(err, d.sql.Close())
	}
	if d.writer, d.release, err = hold(path); err != nil {
		return nil, errors.Join(err, d.sql.Close())
	}
	if err = d.cut(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	bury(path)
	return d, nil
}

// makeFile makes the file before SQLite does, which would let others read it. It
// opens none that is there: to close it would give back SQLite's locks on it.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return f.Close()
	}
	info, serr := os.Stat(path)
	switch {
	case !errors.Is(err, fs.ErrExist):
		return err
	case serr != nil:
		return &damagedError{"leads nowhere"} // a symbolic link
	case info.IsDir():
		return &damagedError{"is a folder"}
	case !info.Mode().IsRegular():
		return &damagedError{"is no file"}
	case info.Mode().Perm()&0o077 != 0:
		return os.Chmod(path, 0o600)
	}
	return nil
}

// connect returns a connection that is opened when first used. The name is a URI:
// of a plain one the driver drops the parameters that are SQLite's own. All that
// is in it besides the path is a constant of ours.
func connect(path string, parameters ...string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// A text in double quotes is an error, not a string, no statement can damage the
	// file, and nothing in it is run that does more than compute.
	parameters = append(parameters, "_busy_timeout="+busyMS, "_dqs=0", "_defensive=1", "_error_rc=1", "_pragma=trusted_schema(0)")
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: strings.Join(parameters, "&")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // of SQLite one connection writes at a time
	return db, nil
}

// form says what the file is: whose, of which version, and whether it is empty.
func form(db *sql.DB) (ours, empty bool, is int, err error) {
	var of, objects int
	const all = `SELECT * FROM pragma_application_id, pragma_user_version, (SELECT count(*) FROM sqlite_schema)`
	err = db.QueryRow(all).Scan(&of, &is, &objects)
	return of == application, objects == 0, is, err
}

// inspect looks at what is at path without changing it, or its log, and reports
// that there are no tables yet.
func inspect(path string) (empty bool, err error) {
	db, err := connectToRead(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ours, empty, is, err := form(db)
	switch {
	case err != nil:
		return false, err
	case ours && is > version:
		return false, &newerError{path, is}
	case !empty && !ours:
		return false, &damagedError{"is of another program"}
	}
	// It takes some 30 ms of a full history, beside everything else. quick_check
	// takes less, and promises no reader that its query works.
	var found string
	if err := db.QueryRow("PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return false, err
	}
	if found != "ok" {
		return false, &damagedError{"is damaged"}
	}
	if empty {
		return true, nil
	}
	for _, statement := range []string{upsert, again, newestDialed} {
		fits, err := db.Prepare(statement)
		if err != nil {
			return false, err
		}
		if err := fits.Close(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// connectToRead returns a connection that cannot write. Where nobody writes
// either, SQLite would make a log, only to read that: it is told not to look.
func connectToRead(path string) (*sql.DB, error) {
	parameters := []string{"mode=ro", "_query_only=1"}
	if _, err := os.Lstat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		parameters = append(parameters, "immutable=1")
	}
	return connect(path, parameters...)
}

// settle makes the tables in what is empty.
func (d *database) settle(empty bool) error {
	// Where there can be no WAL, as in some network folders, it is another mode.
	if _, err := d.sql.Exec("PRAGMA journal_mode = WAL"); err != nil || !empty {
		return err
	}
	sign := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", application, version)
	return d.transact(func(tx *sql.Tx) error {
		_, err := tx.Exec(sign + tables)
		return err
	})
}

func (d *database) transact(do func(*sql.Tx) error) error {
	tx, err := d.sql.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// replaced reports that what is at the path is no longer what was opened: it was
// put aside by another softphone, or removed.
func (d *database) replaced() bool {
	is, err := os.Stat(d.path)
	return err != nil || !os.SameFile(is, d.file)
}

func (d *database) close() error { return errors.Join(d.sql.Close(), d.release()) }

// mostAside is how many databases are kept aside; the last of them gives way.
const mostAside = 9

// putAside gives the database another name, and SQLite's files beside it: its log
// goes first, so that it never belongs to a new database.
func putAside(path, why string) *asideError {
	e := &asideError{path: path, why: why}
	for n := 1; n <= mostAside; n++ {
		if e.kept = path + ".damaged"; n > 1 {
			e.kept += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(e.kept); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, e.kept+suffix)
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			e.rename = err
			return e
		}
	}
	e.kept = filepath.Base(e.kept)
	return e
}
