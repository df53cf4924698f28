package room

import "callcenter/audio/mix"

// newControl returns what brings a member to the loudness of the others, or nil.
func newControl(cfg Config) *mix.Control {
	if !cfg.LevelControl {
		return nil
	}
	return &mix.Control{}
}

// even brings what the member says in this tick, which is about to go into the sum, to
// the loudness of the others, where the server does that. Its gain stays as it is while
// the member is not heard.
func (l *conferenceLeg) even() {
	if l.control != nil {
		l.control.Process(l.pcm[:])
	}
}
