// Package recall keeps what the softphone remembers from run to run: which
// devices the operator chose, in order, and how far the microphone and the ear are
// turned up, in dB. The softphone opens one Store, whose Run writes; the phone and
// the devices' screen tell it what happens and ask it. What was dialed is in the
// history of calls (package history), which takes over what older softphones kept
// here.
//
// It is one small JSON file, for its owner only. It is replaced as a whole, so
// that whatever dies leaves the old one or the new one. What changed is applied
// to what the file has by then, under a lock: of two softphones at once the last
// change of a value counts, and neither takes the other's away. A file that is
// damaged, or of a newer softphone, is kept beside it under another name.
//
// All methods of a Store are safe for concurrent use; all but Run only touch
// memory and return at once. A file that cannot be written is a sentence, and
// costs nothing but the memory.
package recall

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// maxDevices is how many chosen devices are kept, of each kind.
	maxDevices = 8
	// maxRecent is how many dialed destinations are taken from a file.
	maxRecent = 50
	// debounce is how long a change waits for others before it is written.
	debounce = 500 * time.Millisecond
)

// Device is a device that was chosen.
type Device struct {
	ID   string `json:"id"` // the sound system's, which stays
	Name string `json:"name"`
}

// Store is what is remembered. Use Open.
type Store struct {
	path string
	log  *slog.Logger
	wake chan struct{} // one slot: something is to be written

	mu   sync.Mutex
	now  memory
	todo change                 // since the newest write began
	say  func(callstate.Notice) // of Warn; or nil
	told map[string]bool
	hush []callstate.Notice // what nobody could be told yet
}

// change is what happened since the file was written: the newest last.
type change struct {
	microphones, earpieces   []Device
	forgets                  bool     // what was dialed
	microphoneGain, earpiece *float64 // dB
}

// Open reads what is remembered in the file at path, which need not exist. What
// is wrong with it is logged, and told by Run or Warn. A nil log is none.
func Open(path string, log *slog.Logger) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{path: path, log: log, wake: make(chan struct{}, 1), told: make(map[string]bool)}
	m, err := read(path)
	if err != nil {
		s.tell(err)
	}
	s.now = m
	return s
}

// Run writes what changes, soon after it did, until ctx ends, and then what is
// left. It returns nil. What is wrong with the file, or with writing it, is told
// with say, once each.
func (s *Store) Run(ctx context.Context, say func(callstate.Notice)) error {
	s.Warn(say)
	for {
		select {
		case <-ctx.Done():
			s.save()
			return nil
		case <-s.wake:
		}
		timer := time.NewTimer(debounce)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		s.save()
	}
}

// save writes what changed, if anything did. What could not be written is
// written with what changes next.
func (s *Store) save() {
	s.mu.Lock()
	done := s.todo
	s.todo = change{}
	s.mu.Unlock()
	if done.empty() {
		return
	}
	m, warning, err := update(s.path, done)
	if warning != nil {
		s.tell(warning)
	}
	s.mu.Lock()
	later := s.todo
	if err != nil {
		s.todo = done.then(later)
	} else {
		later.apply(&m)
		s.now = m
	}
	s.mu.Unlock()
	if err != nil {
		s.tell(fmt.Errorf("what this softphone remembers could not be written: %w", err))
	}
}

// tell says what is wrong, once.
func (s *Store) tell(err error) {
	s.log.Warn("recall", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[err.Error()] {
		return
	}
	s.told[err.Error()] = true
	n := callstate.Notice{Severity: callstate.Warning, Text: callstate.Sentence(err)}
	if s.say == nil {
		s.hush = append(s.hush, n)
		return
	}
	s.say(n)
}

// Warn makes say the one who is told what is wrong with the file, also what was
// before. Run does so by itself.
func (s *Store) Warn(say func(callstate.Notice)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say = say
	for _, n := range s.hush {
		say(n)
	}
	s.hush = nil
}

// Microphones are the microphones that were chosen, the newest first.
func (s *Store) Microphones() []Device {
	return look(s, func(m *memory) []Device { return m.Microphones })
}

// Earpieces are the earpieces that were chosen, the newest first.
func (s *Store) Earpieces() []Device { return look(s, func(m *memory) []Device { return m.Earpieces }) }

// Recent are the destinations that an older softphone has dialed, the newest
// first, each once, until they are forgotten.
func (s *Store) Recent() []string { return look(s, func(m *memory) []string { return m.Recent }) }

func look[T any](s *Store, of func(*memory) []T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(of(&s.now))
}

// Gains are the gains that were set last.
func (s *Store) Gains() callstate.Gains {
	s.mu.Lock()
	defer s.mu.Unlock()
	return callstate.Gains{Microphone: s.now.MicrophoneGain, Earpiece: s.now.EarpieceGain}
}

// ChooseMicrophone makes d the microphone that is wanted first.
func (s *Store) ChooseMicrophone(d Device) { s.note(change{microphones: []Device{d}}) }

// ChooseEarpiece makes d the earpiece that is wanted first.
func (s *Store) ChooseEarpiece(d Device) { s.note(change{earpieces: []Device{d}}) }

// ForgetRecent drops what an older softphone has dialed, once the history of calls
// has it.
func (s *Store) ForgetRecent() { s.note(change{forgets: true}) }

// SetGains takes note of the gains. Only what differs from before is a change.
func (s *Store) SetGains(g callstate.Gains) {
	var c change
	before := s.Gains()
	if g.Microphone != before.Microphone {
		c.microphoneGain = &g.Microphone
	}
	if g.Earpiece != before.Earpiece {
		c.earpiece = &g.Earpiece
	}
	s.note(c)
}

func (s *Store) note(c change) {
	if c.empty() {
		return
	}
	s.mu.Lock()
	c.apply(&s.now)
	s.todo = s.todo.then(c)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (c change) empty() bool {
	return len(c.microphones)+len(c.earpieces) == 0 && !c.forgets && c.microphoneGain == nil && c.earpiece == nil
}

// then is c and after it d, without what can no longer count.
func (c change) then(d change) change {
	sum := change{
		microphones: newest(append(slices.Clone(c.microphones), d.microphones...), maxDevices),
		earpieces:   newest(append(slices.Clone(c.earpieces), d.earpieces...), maxDevices),
		forgets:     c.forgets || d.forgets,

		microphoneGain: c.microphoneGain, earpiece: c.earpiece,
	}
	if d.microphoneGain != nil {
		sum.microphoneGain = d.microphoneGain
	}
	if d.earpiece != nil {
		sum.earpiece = d.earpiece
	}
	return sum
}

// newest keeps the last few, and of those that are there several times the last.
func newest[T comparable](list []T, most int) []T {
	kept := list[:0:0]
	for i, v := range list {
		if !slices.Contains(list[i+1:], v) {
			kept = append(kept, v)
		}
	}
	return kept[max(0, len(kept)-most):]
}

// apply changes m.
func (c change) apply(m *memory) {
	for _, d := range c.microphones {
		m.Microphones = first(m.Microphones, d, maxDevices, sameDevice)
	}
	for _, d := range c.earpieces {
		m.Earpieces = first(m.Earpieces, d, maxDevices, sameDevice)
	}
	if c.forgets {
		m.Recent = nil
	}
	if c.microphoneGain != nil {
		m.MicrophoneGain = *c.microphoneGain
	}
	if c.earpiece != nil {
		m.EarpieceGain = *c.earpiece
	}
}

func sameDevice(a, b Device) bool { return a.ID == b.ID }

// first puts v before the others, where it is once.
func first[T any](list []T, v T, most int, same func(a, b T) bool) []T {
	kept := []T{v}
	for _, o := range list {
		if !same(o, v) && len(kept) < most {
			kept = append(kept, o)
		}
	}
	return kept
}
