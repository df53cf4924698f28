package callstate

import "strings"

// SilentLevel is the level of a participant of whom none was told, in dBov.
const SilentLevel = -127

// Participant is somebody else in a room, as the server told.
type Participant struct {
	ID       string // unique in the room while the participant is there
	Name     string
	Speaking bool // has the floor
	Muted    bool
	Held     bool // holds the call: hears and says nothing
	Level    int  // dBov, 0 to SilentLevel
}

// InRoom reports a call in which there may be others.
func (s *Snapshot) InRoom() bool {
	return s.State.Connected() && strings.HasPrefix(s.Destination, roomPrefix)
}

// roomPrefix begins the destinations that are rooms.
const roomPrefix = "room/"
