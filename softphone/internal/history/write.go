package history

import (
	"database/sql"
	"math"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const upsert = `
INSERT INTO calls (id, start_ms, length_ms, destination, name, server, mos, worst_mos, concealed_pct, gaps, gap_ms, ended, error, words, writer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET length_ms = excluded.length_ms, server = excluded.server, mos = excluded.mos,
	worst_mos = excluded.worst_mos, concealed_pct = excluded.concealed_pct, gaps = excluded.gaps, gap_ms = excluded.gap_ms,
	ended = excluded.ended, error = excluded.error, writer = excluded.writer`

const again = `
INSERT INTO dialed (destination, at_ms) VALUES (?, ?)
ON CONFLICT (destination) DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)`

const newestDialed = `SELECT destination FROM dialed ORDER BY at_ms DESC LIMIT ?`

// batch is what is to be written: calls, each once, and what was dialed, the
// newest last.
type batch struct {
	calls  []callstate.Past
	dialed []dialed
}

// dialed is a destination and when it was dialed, in ms since 1970; what was
// dialed before there was a history is ordered by small numbers.
type dialed struct {
	destination string
	at          int64
}

func (b *batch) empty() bool { return len(b.calls)+len(b.dialed) == 0 }

// write writes all of a batch or nothing.
func (d *database) write(b batch) error {
	ended := false
	err := d.transact(func(tx *sql.Tx) error {
		for i := range b.calls {
			if err := d.writeCall(tx, &b.calls[i]); err != nil {
				return err
			}
			ended = ended || b.calls[i].Ended != ""
		}
		if ended {
			const old = `DELETE FROM calls WHERE id IN (SELECT id FROM calls ORDER BY start_ms DESC LIMIT -1 OFFSET ?)`
			if _, err := tx.Exec(old, Most); err != nil {
				return err
			}
		}
		return writeDialed(tx, b.dialed)
	})
	if err == nil && ended {
		// Waits for nobody: what others read just then is merged later.
		_, err = d.sql.Exec("PRAGMA wal_checkpoint(PASSIVE)")
	}
	return err
}

func (d *database) writeCall(tx *sql.Tx, p *callstate.Past) error {
	_, err := tx.Exec(upsert, text(p.CallID), p.Start.UnixMilli(), p.Length.Milliseconds(),
		text(p.Destination), text(p.Name), text(p.Server), figure(p.MOS), figure(p.WorstMOS), figure(p.ConcealedPct),
		int64(min(p.Gaps, math.MaxInt32)), p.Gap.Milliseconds(), text(p.Ended), text(p.Err), words(p), d.writer)
	return err
}

func writeDialed(tx *sql.Tx, list []dialed) error {
	if len(list) == 0 {
		return nil
	}
	for _, to := range list {
		if _, err := tx.Exec(again, text(to.destination), to.at); err != nil {
			return err
		}
	}
	const old = `DELETE FROM dialed WHERE destination IN (SELECT destination FROM dialed ORDER BY at_ms DESC LIMIT -1 OFFSET ?)`
	_, err := tx.Exec(old, mostRecent)
	return err
}

// cut marks the calls of softphones that died.
func (d *database) cut() error {
	open, err := list[string](d.sql, "SELECT DISTINCT writer FROM calls WHERE ended = ''")
	if err != nil {
		return err
	}
	for _, writer := range open {
		if alive(d.path, writer) {
			continue
		}
		if _, err := d.sql.Exec("UPDATE calls SET ended = ? WHERE ended = '' AND writer = ?", callstate.PastCut, writer); err != nil {
			return err
		}
	}
	return nil
}

// recent are the destinations that were dialed, the newest first.
func (d *database) recent() ([]string, error) {
	return list[string](d.sql, newestDialed, mostRecent)
}

// list is what a query of one column finds.
func list[T any](db *sql.DB, query string, arguments ...any) (found []T, err error) {
	rows, err := db.Query(query, arguments...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// text is a text that is fit to be kept: UTF-8, and not too long.
func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if n := 0; len(s) > maxText {
		for i := range s {
			if n++; n > maxText {
				return s[:i]
			}
		}
	}
	return s
}

// figure is 0 where it is no number, which SQLite does not know.
func figure(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// words are what a search looks through, but for the end, which may change: who,
// and the day, as "2026-11-26 thursday 26 november".
func words(p *callstate.Past) string {
	return strings.ToLower(text(p.Destination) + "\n" + text(p.Name) + "\n" + day(p.Start))
}

func day(t time.Time) string { return t.Local().Format("2006-01-02 Monday 2 January 2006") }
