package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// mostFound is how many calls a Finder finds.
	mostFound = 200
	// maxFind is how much of a search counts, in characters, and maxWords how many
	// words of it.
	maxFind  = 256
	maxWords = 32
	// settleLimit is how long a Finder waits for what this softphone is writing.
	settleLimit = 500 * time.Millisecond
)

// Find returns the calls in the database at path whose destination, name, end or
// day contain every word of text, in any case, the newest first and limit of them
// at most, and whether there are more. It only reads, and creates nothing; where
// there is no database there are no calls. Errors are sentences without a stop.
func Find(ctx context.Context, path, text string, limit int) (calls []callstate.Past, more bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	db, err := connectToRead(path)
	if err == nil {
		calls, err = find(ctx, db, path, text, limit)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		return nil, false, unreadable(path, err)
	}
	if len(calls) > limit {
		return calls[:limit], true, nil
	}
	return calls, false, nil
}

func unreadable(path string, err error) error {
	var newer *newerError
	var bad *damagedError
	switch {
	case errors.As(err, &newer), errors.Is(err, context.Canceled):
		return err
	case damaged(err), errors.As(err, &bad):
		return fmt.Errorf("the history of calls, %s, cannot be read (%w): the softphone keeps it aside and begins a new one when it starts", path, err)
	}
	return fmt.Errorf("the history of calls, %s, cannot be read: %w", path, err)
}

// find finds one call more than limit, if there are more.
func find(ctx context.Context, db *sql.DB, path, text string, limit int) ([]callstate.Past, error) {
	ours, empty, is, err := form(db)
	switch {
	case err != nil:
		return nil, err
	case empty:
		return nil, nil
	case !ours:
		return nil, &damagedError{"is of another program"}
	case is > version:
		return nil, &newerError{path, is}
	}
	query, arguments, err := search(db, path, text)
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, query, append(arguments, limit+1)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told
	var calls []callstate.Past
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, err
		}
		calls = append(calls, p)
	}
	return calls, rows.Err()
}

// search is the query for text, whose words are bound to it and never a part of
// it. instr knows no wildcards, so that nothing has to be escaped. A call without
// an end goes on, unless its writer was found dead before the query reads: all that
// it had to write it has written by then.
func search(db *sql.DB, path, text string) (query string, arguments []any, err error) {
	open, err := list[string](db, "SELECT DISTINCT writer FROM calls WHERE ended = ''")
	if err != nil {
		return "", nil, err
	}
	end := "CASE WHEN ended <> '' THEN ended"
	for _, writer := range open {
		if !alive(path, writer) {
			end += " WHEN writer = ? THEN '" + callstate.PastCut + "'"
			arguments = append(arguments, writer)
		}
	}
	end += " ELSE '" + callstate.PastGoesOn + "' END"
	query = `WITH found AS (SELECT id, start_ms, length_ms, destination, name, server, mos, worst_mos, concealed_pct,
		gaps, gap_ms, ` + end + ` AS how, error, words FROM calls)
		SELECT id, start_ms, length_ms, destination, name, server, mos, worst_mos, concealed_pct, gaps, gap_ms, how, error FROM found`
	glue := " WHERE "
	for _, word := range fields(text) {
		query += glue + "(instr(words || char(10) || lower(how), ?) > 0"
		arguments = append(arguments, word)
		if day := dayOf(word, time.Now()); day != "" {
			query += " OR instr(words, ?) > 0"
			arguments = append(arguments, day)
		}
		query += ")"
		glue = " AND "
	}
	return query + " ORDER BY start_ms DESC, id LIMIT ?", arguments, nil
}

// dayOf is the day that a word means now, as day has it; "" is none.
func dayOf(word string, now time.Time) string {
	switch word {
	case "today":
		return now.Local().Format(time.DateOnly)
	case "yesterday":
		return now.Local().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return ""
}

// fields are the words of a search that count.
func fields(text string) []string {
	runes := 0
	for i := range text {
		if runes++; runes > maxFind {
			text = text[:i]
			break
		}
	}
	words := strings.Fields(strings.ToLower(strings.ToValidUTF8(text, "\uFFFD")))
	return words[:min(len(words), maxWords)]
}

func scan(rows *sql.Rows) (p callstate.Past, err error) {
	var start, length, gaps, gap int64
	err = rows.Scan(&p.CallID, &start, &length, &p.Destination, &p.Name, &p.Server,
		&p.MOS, &p.WorstMOS, &p.ConcealedPct, &gaps, &gap, &p.Ended, &p.Err)
	p.Gaps = uint64(max(gaps, 0))
	p.Start, p.Length, p.Gap = time.UnixMilli(start), time.Duration(length)*time.Millisecond, time.Duration(gap)*time.Millisecond
	return p, err
}

// Finder looks for calls while others write them. Use NewFinder. Find and State
// are safe for concurrent use and return at once.
type Finder struct {
	path  string
	store *Store        // of this softphone; or nil
	asked chan struct{} // one slot

	mu    sync.Mutex
	wants string // the newest
	state callstate.History
}

// NewFinder returns a finder in the database at path, which finds once it runs. It
// also finds what store, unless that is nil, was told before.
func NewFinder(path string, store *Store) *Finder {
	return &Finder{path: path, store: store, asked: make(chan struct{}, 1)}
}

// Find looks for the calls that contain every word of text. Of several searches
// the newest counts.
func (f *Finder) Find(text string) {
	f.mu.Lock()
	f.wants, f.state.Busy = text, true
	f.mu.Unlock()
	select {
	case f.asked <- struct{}{}:
	default:
	}
}

// State is the outcome of the newest search, or of the one before while Busy.
func (f *Finder) State() callstate.History {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Run looks for what is asked until ctx ends. It returns nil. It opens the
// database for each search and keeps nothing open, nor any timer.
func (f *Finder) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.asked:
		}
		f.mu.Lock()
		text := f.wants
		f.mu.Unlock()
		calls, more, err := f.find(ctx, text)
		found := callstate.History{Find: text, Calls: calls, More: more}
		if err != nil {
			found.Err = callstate.Sentence(err)
		}
		f.mu.Lock()
		if found.Busy = f.wants != text; !found.Busy || err == nil {
			f.state = found
		}
		f.mu.Unlock()
	}
}

func (f *Finder) find(ctx context.Context, text string) ([]callstate.Past, bool, error) {
	if f.store != nil {
		limit, cancel := context.WithTimeout(ctx, settleLimit)
		f.store.Settled(limit)
		cancel()
	}
	return Find(ctx, f.path, text, mostFound)
}
