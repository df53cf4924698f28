package certs

import (
	"context"
	"time"

	"callcenter/api/disk"
)

const (
	// lookEvery is how often the files are looked at. A change is taken when they
	// look the same twice: whoever writes one of them is about to write the other.
	lookEvery = 2 * time.Second
	// warnBefore is how long before its end a certificate is warned about, once
	// each warnEvery.
	warnBefore = 14 * 24 * time.Hour
	warnEvery  = 24 * time.Hour
)

// Run takes what changes in the files until ctx ends, and warns of the
// certificate's end. It returns nil.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	w := &watcher{store: s}
	for {
		w.checkEnd(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.look()
		}
	}
}

// watcher is what Run remembers from one look to the next.
type watcher struct {
	store  *Store
	last   disk.Seen
	told   string    // the error that the log has
	warned time.Time // when
	ends   time.Time // and of which end
}

// look reads the files if they changed, and again and again those that could not
// be used, as a change of who may read them shows nowhere.
func (w *watcher) look() {
	s := w.store
	now := disk.Look(s.files()...)
	settled := now.Same(w.last)
	w.last = now
	s.mu.Lock()
	fresh, failed := now.Same(s.seen), s.failed
	s.mu.Unlock()
	if !settled || fresh && failed == nil {
		return
	}
	_, err := s.Reload()
	switch {
	case err == nil:
		w.told = ""
	case err.Error() != w.told:
		w.told = err.Error()
		s.log.Error("certificate not reloaded", "reason", w.told)
	}
}

// checkEnd warns of an end that is near or over. The certificate that the server
// made itself it makes anew.
func (w *watcher) checkEnd(now time.Time) {
	ends := w.store.Ends()
	if now.Before(ends.Add(-warnBefore)) || ends.Equal(w.ends) && now.Before(w.warned.Add(warnEvery)) {
		return
	}
	w.ends, w.warned = ends, now
	log := w.store.log.With("file", w.store.settings.CertFile, "ends", day(ends))
	if w.store.selfSigned {
		if err := w.store.renew(); err != nil {
			log.Error("certificate not renewed", "reason", err.Error())
		}
		return
	}
	if now.After(ends) {
		log.Error("certificate ended: softphones refuse it; put a new one into the file")
		return
	}
	log.Warn("certificate ends soon: put a new one into the file, it is read without a restart", "days", int(ends.Sub(now).Hours()/24))
}
