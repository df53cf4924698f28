package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// mostWaiting is how many calls wait to be written; of one call only its
	// newest state does. Beyond it the oldest is dropped, counted and told.
	mostWaiting = 256
	// retryAfter is how long what could not be written waits for another try, if
	// nothing else is to be written, and retrySlowly how long at most: it doubles.
	retryAfter  = 10 * time.Second
	retrySlowly = 10 * time.Minute
	// lastTries is how often what is left is tried at the end; each waits for others
	// for as long as SQLite does.
	lastTries = 3
	// tries is how often a batch is tried at once: what turns out to be damaged is
	// put aside, and it goes into what begins then.
	tries = 3
)

// Config is what a Store is made of.
type Config struct {
	// Path is the database's; "": nothing is kept but what is dialed in this run,
	// in memory.
	Path string
	// Before are destinations that were dialed before there was a history, the
	// newest first. Imported, if not nil, is called once they are in it.
	Before   []string
	Imported func()
	// Changed, if not nil, is called when Recent changed by itself: what earlier
	// runs have left was read.
	Changed func()
	Log     *slog.Logger // nil: none
}

// Store takes down calls. Use New. All methods are safe for concurrent use; all
// but Run touch memory only and return at once.
type Store struct {
	cfg  Config
	wake chan struct{} // one slot: something is to be written

	mu       sync.Mutex
	waiting  batch
	writing  bool          // what waited until now
	settled  chan struct{} // closed once nothing waits, if somebody wants to know; or nil
	imported bool          // Before is written
	recent   []string
	dialedAt int64  // the newest, in ms since 1970
	dropped  uint64 // calls

	// Of Run:
	db        *database
	condemned os.FileInfo
	refused   bool // the database is of a newer softphone
	say       func(callstate.Notice)
	told      map[string]bool
}

// New returns a store, which writes once it runs.
func New(cfg Config) *Store {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{cfg: cfg, wake: make(chan struct{}, 1), recent: slices.Clone(cfg.Before), told: make(map[string]bool)}
}

// Note takes the newest state of a call: once it is dialed, while it goes on, and
// with its Ended set when it is over.
func (s *Store) Note(p callstate.Past) {
	if s.cfg.Path == "" {
		return
	}
	s.mu.Lock()
	s.put(p)
	s.mu.Unlock()
	s.signal()
}

// put has a call wait in the place of an older state of it.
func (s *Store) put(p callstate.Past) {
	w := &s.waiting
	if i := slices.IndexFunc(w.calls, func(o callstate.Past) bool { return o.CallID == p.CallID }); i >= 0 {
		w.calls[i] = p
		return
	}
	if len(w.calls) == mostWaiting {
		w.calls = slices.Delete(w.calls, 0, 1)
		s.dropped++
	}
	w.calls = append(w.calls, p)
}

// Dialed takes note of what was dialed.
func (s *Store) Dialed(destination string) {
	s.mu.Lock()
	s.recent = first(s.recent, destination)
	if s.cfg.Path != "" {
		s.dialedAt = max(s.dialedAt+1, time.Now().UnixMilli()) // no two at once
		s.waiting.dialed = later(s.waiting.dialed, dialed{destination, s.dialedAt})
	}
	s.mu.Unlock()
	s.signal()
}

// Recent are the destinations that were dialed, the newest first, each once.
func (s *Store) Recent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recent)
}

// Dropped is how many calls were not kept, since too many waited.
func (s *Store) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Settled waits until all that was noted is written, or ctx ends.
func (s *Store) Settled(ctx context.Context) {
	s.mu.Lock()
	if s.waiting.empty() && !s.writing {
		s.mu.Unlock()
		return
	}
	if s.settled == nil {
		s.settled = make(chan struct{})
	}
	settled := s.settled
	s.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// first puts a destination before the others, where it is once.
func first(list []string, destination string) []string {
	kept := []string{destination}
	for _, o := range list {
		if o != destination && len(kept) < mostRecent {
			kept = append(kept, o)
		}
	}
	return kept
}

// later appends what was dialed, of which the last few count.
func later(list []dialed, d dialed) []dialed {
	list = slices.DeleteFunc(list, func(o dialed) bool { return o.destination == d.destination })
	list = append(list, d)
	return list[max(0, len(list)-mostRecent):]
}

// Run opens the history, marks as cut what softphones that died have left open,
// and writes what there is to write until ctx ends, and then what is left: end
// ctx after the phone. It returns nil. What is wrong is told with say, once each.
// While there is nothing to write it holds no timer.
func (s *Store) Run(ctx context.Context, say func(callstate.Notice)) error {
	if s.cfg.Path == "" {
		return nil
	}
	s.say = say
	defer s.leave()
	retry := time.NewTimer(0) // which opens the history
	defer retry.Stop()
	wait := retryAfter
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-s.wake:
		case <-retry.C:
		}
		retry.Stop()
		err := s.work()
		for try := 1; done && err != nil && try < lastTries; try++ { // others may write
			err = s.work()
		}
		if err == nil || s.refused {
			wait = retryAfter
			continue
		}
		retry.Reset(wait)
		wait = min(2*wait, retrySlowly)
	}
	return nil
}

// leave gives the history back.
func (s *Store) leave() {
	s.mu.Lock()
	lost := uint64(len(s.waiting.calls)) + s.dropped
	s.mu.Unlock()
	if lost > 0 && !s.refused {
		are := "calls are"
		if lost == 1 {
			are = "call is"
		}
		s.tell(fmt.Errorf("%d %s not in the history, since it could not be written", lost, are))
	}
	if s.db != nil {
		if err := s.db.close(); err != nil {
			s.cfg.Log.Warn("history close", "error", err)
		}
		s.db = nil
	}
}

// work writes what waits, and opens the history for it as often as it must.
func (s *Store) work() (err error) {
	for range tries {
		if s.refused {
			s.take() // nobody will ever write it
			s.settle()
			return nil
		}
		if s.db != nil && s.db.replaced() {
			s.drop("another file has its name")
		}
		if err = s.attempt(); err == nil {
			return nil
		}
		bad := s.db != nil && damaged(err)
		if bad {
			s.condemned = s.db.file
		}
		if s.db != nil {
			s.drop(err.Error())
		}
		if !bad {
			break
		}
	}
	kind := fmt.Sprint(code(err)) // of which one sentence is enough
	var aside *asideError
	if !s.refused && !errors.As(err, &aside) {
		err = fmt.Errorf("the history of calls cannot be written, and is tried again: %w", err)
	}
	s.tellOnce(kind, err)
	return err
}

func (s *Store) attempt() error {
	if s.db == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	return s.write()
}

// drop gives up the open database, which is opened again.
func (s *Store) drop(why string) {
	s.cfg.Log.Warn("history opened again", "why", why, "close", s.db.close())
	s.db = nil
}

// open opens the database and reads what was dialed before.
func (s *Store) open() error {
	d, err := open(s.cfg.Path, s.condemned)
	s.condemned = nil
	var newer *newerError
	switch {
	case errors.As(err, &newer):
		s.refused = true
		return err
	case d == nil:
		return err
	case err != nil:
		s.tell(err) // what was put aside
	}
	s.db = d
	if err := s.importBefore(); err != nil {
		return err
	}
	return s.refresh()
}

// importBefore writes what was dialed before there was a history, below all that
// was dialed since.
func (s *Store) importBefore() error {
	if s.imported || len(s.cfg.Before) == 0 {
		return nil
	}
	b := batch{}
	for i, destination := range s.cfg.Before {
		b.dialed = append(b.dialed, dialed{destination, int64(len(s.cfg.Before) - i)})
	}
	if err := s.db.write(b); err != nil {
		return err
	}
	s.imported = true
	if s.cfg.Imported != nil {
		s.cfg.Imported()
	}
	return nil
}

// refresh reads what was dialed, also by other softphones.
func (s *Store) refresh() error {
	recent, err := s.db.recent()
	if err != nil {
		return err
	}
	s.mu.Lock()
	for _, d := range s.waiting.dialed {
		recent = first(recent, d.destination)
	}
	changed := !slices.Equal(recent, s.recent)
	s.recent = recent
	s.mu.Unlock()
	if changed && s.cfg.Changed != nil {
		s.cfg.Changed()
	}
	return nil
}

// write writes what waits. What could not be written waits on, unless the phone
// has told something newer of it.
func (s *Store) write() error {
	b := s.take()
	if b.empty() {
		s.settle()
		return nil
	}
	err := s.db.write(b)
	if err != nil {
		s.giveBack(b)
		return err
	}
	s.settle()
	if len(b.dialed) > 0 {
		return s.refresh()
	}
	return nil
}

func (s *Store) take() batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.waiting
	s.waiting, s.writing = batch{}, true
	return b
}

// settle takes note that what was taken is written.
func (s *Store) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	if s.settled != nil && s.waiting.empty() {
		close(s.settled)
		s.settled = nil
	}
}

func (s *Store) giveBack(b batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.waiting
	s.waiting, s.writing = b, false
	for _, p := range since.calls {
		s.put(p)
	}
	for _, d := range since.dialed {
		s.waiting.dialed = later(s.waiting.dialed, d)
	}
}

// tell says what is wrong, once.
func (s *Store) tell(err error) { s.tellOnce(err.Error(), err) }

func (s *Store) tellOnce(key string, err error) {
	s.cfg.Log.Warn("history", "error", err)
	if s.told[key] {
		return
	}
	s.told[key] = true
	s.say(callstate.Notice{Severity: callstate.Warning, Text: callstate.Sentence(err)})
}
