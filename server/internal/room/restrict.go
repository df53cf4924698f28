package room

// silence makes a frame of one who may not speak what its listeners may know of it.
// Its marks count too: they could ask for the floor.
func (l *conferenceLeg) silence(u *Uplink) {
	if len(u.Frame.Data) > 0 {
		l.hushed.Add(1)
	}
	u.hush()
}

// Restrict implements Leg. Whoever becomes deaf is told that the others left: to it
// they have. Whoever hears again is told of everyone, as a newcomer is.
func (l *conferenceLeg) Restrict(unheard, deaf bool) {
	l.unheard.Store(unheard)
	if l.deaf.Load() == deaf {
		return
	}
	l.dir.mu.Lock()
	defer l.dir.mu.Unlock()
	c := l.room
	if c == nil {
		l.deaf.Store(deaf)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !deaf {
		l.deaf.Store(false)
	}
	for _, other := range c.legs {
		switch {
		case other == l:
		case deaf:
			l.tell(other.event(Left))
		default:
			l.tellOfLocked(other)
		}
	}
	l.deaf.Store(deaf)
}

// tellOfLocked tells one who begins to hear of another who is there.
func (l *conferenceLeg) tellOfLocked(other *conferenceLeg) {
	l.tell(other.event(Joined))
	if other.speaking {
		l.tell(other.event(Speaking))
	}
	l.tellStateOfLocked(other)
}

// Restrict implements Leg: an echo is only for those who may speak and listen.
func (l *loopback) Restrict(bool, bool) {}

// Restrict implements Leg: a tone is only for those who may listen, and listens to
// nobody.
func (l *toneLeg) Restrict(bool, bool) {}
