package auth

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/api/disk"
)

// lookInterval is how often the folder is looked at: what was revoked or added
// holds within it.
const lookInterval = 2 * time.Second

// Config is what an Authority goes by.
type Config struct {
	// Dir is the keys' folder. Required.
	Dir string
	// Audience is whom tokens must be made for. Required.
	Audience string
	// Log takes a line when the folder was read again, or could not be; nil: none.
	Log *slog.Logger
}

// Authority knows the keys that may sign tokens, and what was revoked. Its methods
// are safe for concurrent use. Use Open.
type Authority struct {
	cfg   Config
	state atomic.Pointer[state]

	mu     sync.Mutex // one reads the folder at a time
	seen   disk.Seen
	failed error // of the last reading
}

// state is what was read of the folder. It does not change.
type state struct {
	keys map[string]ed25519.PublicKey
	list revocations
}

// Open reads the folder of keys. One without a key is no error: nobody can come in
// then.
func Open(cfg Config) (*Authority, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &Authority{cfg: cfg}
	if err := checkName(cfg.Audience); err != nil {
		return nil, fmt.Errorf("audience %.80q: %w", cfg.Audience, err)
	}
	return a, a.Reload()
}

// Reload reads the folder again. An error is joined of one for each thing that is
// wrong. If that is a key, all keys stay as they were, and if it is the list of what
// was revoked, that does: a revocation does not wait until a key is put right.
func (a *Authority) Reload() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reloadLocked()
}

func (a *Authority) reloadLocked() error {
	a.seen = a.look()
	keys, err := readKeys(a.cfg.Dir)
	list, lerr := readRevoked(a.cfg.Dir)
	before := a.state.Load()
	if before == nil {
		before = &state{}
	}
	if err != nil {
		keys = before.keys
	}
	if lerr != nil {
		list = before.list
	}
	a.state.Store(&state{keys, list})
	if a.failed = errors.Join(err, lerr); errors.Is(err, errFolder) {
		a.failed = err // the list is not to be had for the same reason
	}
	return a.failed
}

// Keys returns how many keys may sign tokens.
func (a *Authority) Keys() int { return len(a.state.Load().keys) }

// Describe says for people what holds.
func (a *Authority) Describe() []string {
	s := a.state.Load()
	ids := make([]string, 0, len(s.keys))
	for id := range s.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return []string{fmt.Sprintf("tokens for %s; keys in %s: %s; revoked: %d",
		a.cfg.Audience, a.cfg.Dir, strings.Join(ids, " "), len(s.list.ids)+len(s.list.subjects))}
}

// Run looks every 2 s whether a file in the folder has changed, and then reads all
// again, until ctx ends. It returns nil.
func (a *Authority) Run(ctx context.Context) error {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			a.refresh()
		}
	}
}

// refresh reads the folder again if it has changed, and each time while it could
// not be read, as a change of who may read it shows in no file. What is wrong with
// it is told once.
func (a *Authority) refresh() {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.failed
	if before == nil && a.seen.Same(a.look()) {
		return
	}
	if err := a.reloadLocked(); err != nil {
		if before == nil || before.Error() != err.Error() {
			a.cfg.Log.Error("token keys or revocations have changed and cannot be read: those before still hold", "error", err)
		}
		return
	}
	s := a.state.Load()
	a.cfg.Log.Info("token keys read again", "keys", len(s.keys), "revoked", len(s.list.ids)+len(s.list.subjects))
}

// look looks at the files that count. A folder that cannot be read has none.
func (a *Authority) look() disk.Seen {
	var paths []string
	entries, _ := os.ReadDir(a.cfg.Dir) // by name; Reload says what is wrong
	for _, e := range entries {
		if (e.Name() == revokedName || strings.HasSuffix(e.Name(), publicSuffix)) && len(paths) <= maxKeys+1 {
			paths = append(paths, filepath.Join(a.cfg.Dir, e.Name()))
		}
	}
	return disk.Look(paths...)
}

// Authenticate returns who bears a token, if it is valid at now: it is signed with
// EdDSA by a key of the folder, made for the audience, within its times, give or
// take 30 s between clocks, and not revoked. Otherwise the error is, or wraps, one
// of the exported ones. With ErrAudience, ErrExpired, ErrEarly and ErrRevoked there
// is an Identity too, for the log: a key of ours signed what it says.
func (a *Authority) Authenticate(token string, now time.Time) (*Identity, error) {
	switch {
	case token == "":
		return nil, ErrMissing
	case len(token) > MaxToken:
		return nil, malformed(fmt.Sprintf("it is longer than %d bytes", MaxToken))
	}
	s := a.state.Load()
	id, err := verify(token, s.keys, a.cfg.Audience, now)
	if err == nil && s.list.has(id) {
		err = ErrRevoked
	}
	return id, err
}

// Revoked reports that an identity that was accepted would not be any more, for
// another reason than its times: its token or subject was revoked, or its key is
// gone. It costs two look-ups.
func (a *Authority) Revoked(id *Identity) bool {
	s := a.state.Load()
	return s.list.has(id) || !s.keys[id.KeyID].Equal(id.key)
}
