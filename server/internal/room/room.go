// Package room is what a call can be connected to: an echo, a conference, a
// test tone. The gRPC service opens a Directory and lets every call Join a
// destination; nothing here knows gRPC, the messages on the wire, or a sound
// device.
//
// A call is a Member. What it says goes to its Leg, frame by frame, and what it
// hears comes to its Downlink. A loopback passes frames through as they are; a
// conference keeps them in a playout buffer for each leg and mixes on its own
// clock. Only the loudest few who talk have the floor: they are decoded and heard,
// and all who only listen share an encoder. Two who hear nobody but each other get
// each other's frames as they are, and nothing is decoded. Members are told who comes
// and goes, who takes and leaves the floor, how loud those are who have it, who is
// muted, who holds the call and what is pressed on a keypad. Who may not speak is
// silent to them, and who may not listen is told of nobody (restrict.go).
// A conference that stands still is replaced under its members, and a member whose
// frames are no audio loses its call alone (media.go).
//
// PCM is 48 kHz mono, lengths are samples, times readings of one audio.Clock.
// A Directory is safe for concurrent use; a Leg and a Downlink say how they may
// be used.
package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

const (
	// Echo is the destination whose calls hear themselves.
	Echo = "echo"
	// Tone is the destination that plays a test tone.
	Tone = "tone"
	// Prefix begins the destinations that are conferences.
	Prefix = "room/"
	// Lobby is the conference of calls that name no destination.
	Lobby = Prefix + "lobby"

	// DefaultSpeakers is how many are heard at a time where nobody says. More than
	// three at a time are not understood, and each costs a decoder.
	DefaultSpeakers = 3
	// MaxMembers is the most members of one conference. One goroutine mixes it;
	// a member who says nothing costs it little.
	MaxMembers = 256
	// MaxRooms is the most conferences at a time.
	MaxRooms = 1000
)

var (
	// ErrNoDestination marks a destination that does not exist.
	ErrNoDestination = errors.New("no such destination")
	// ErrFull marks a conference, or a directory, that takes no more.
	ErrFull = errors.New("no more room")
)

// Member is a call that joins.
type Member struct {
	CallID string
	Name   string       // shown to the others, clean
	Format codec.Format // of what it says and hears
	// FrameMS is the frame duration it would like to hear, 10 or 20.
	FrameMS int
	// Extended members know sequences, drop marks and events. The others take
	// part with their audio alone.
	Extended bool
	// Complete asks to keep every word rather than be live.
	Complete bool
	// Unheard and Deaf members of a conference may not speak, or listen: see
	// Leg's Restrict.
	Unheard, Deaf bool
}

// Uplink is one frame that a member said.
type Uplink struct {
	// Frame is the frame as it came off the wire, with the member's sequence;
	// Made is when it arrived.
	Frame sendq.Frame
	// Packet is the same for a jitter buffer, if Playable: no decoder may see
	// the audio of a frame that is not.
	Packet   jitter.Packet
	Playable bool
}

// Downlink is where what a member hears goes. Its methods may be called from
// any goroutine, one at a time for frames; frames are copied.
type Downlink interface {
	// Send takes a frame and never waits: when the member is slow, the oldest
	// frame is dropped, counted and marked.
	Send(f sendq.Frame)
	// Put is Send for a frame that a member of the room just said. It leaves no later
	// than with Send, and sooner if whoever pushed it flushes: see Leg.
	Put(f sendq.Frame)
	// Skip takes a sequence for a frame slot that carries nothing, in announced
	// silence.
	Skip()
	// SendWait takes a frame and waits for room until ctx ends, for members
	// who know no drop marks and must get every frame back.
	SendWait(ctx context.Context, f sendq.Frame)
	// Event tells what happened in the room. It never waits.
	Event(e Event)
	// Levels tells a member that knows events how loud those are who have the floor:
	// about five times a second while somebody has it, and once when nobody has it any
	// more. It never waits. Newer levels make older ones useless.
	Levels(l *Levels)
	// Fail ends the call: the room cannot serve it any more.
	Fail(err error)
}

// EventKind is what happened in a room.
type EventKind int

// The kinds of events.
const (
	Joined EventKind = iota + 1
	Left
	Speaking // took the floor
	Silent   // left it
	Muted    // the microphone, by their own account
	Unmuted  // opened it again
	Held     // the call: says and hears nothing
	Resumed  // went on with it
	Pressed  // a keypad digit
)

// Event is something that happened to a participant. Newcomers are told of
// everyone there as if they had joined, taken the floor, muted the microphone and
// held the call just then. In an echo a digit comes back, of nobody.
type Event struct {
	Kind        EventKind
	Participant string // unique in its room while it is there
	Name        string
	Digit       byte // that was pressed
}

// Leg is a member's place in a room.
type Leg interface {
	// Push takes a frame that the member said. One goroutine calls it. It waits
	// only for a Downlink's SendWait, until ctx ends. After Leave it is heard
	// by nobody. It returns the Downlink that it Put a frame into, or nil: where that
	// can be done without waiting the caller sends it on, and else wakes who sends.
	Push(ctx context.Context, u Uplink) Downlink
	// Hold tells that the member holds the call, or goes on with it. What it says while
	// it holds is silence to the others, whatever it sends. The goroutine that pushes
	// calls it.
	Hold(on bool)
	// Digit tells the others of a keypad digit that the member pressed. It reports false
	// where too many wait. Any goroutine may call it.
	Digit(d byte) bool
	// Restrict settles anew what the member of a conference may do. What an unheard
	// one says is silence to the others, whatever it sends, and its digits go nowhere.
	// A deaf one hears silence, and is told of nobody: neither who is there nor what
	// they do. Any goroutine may call it.
	Restrict(unheard, deaf bool)
	// Resumed tells that the member hears over another stream from now on: what
	// comes to the Downlink begins anew. Any goroutine may call it.
	Resumed()
	// SetOneWay tells the network's delay from the member, half a round trip.
	SetOneWay(d time.Duration)
	// Stats returns what came from the member. Any goroutine may call it.
	Stats() Stats
	// Leave ends the membership. What a tick that is under way still sends to
	// the Downlink is of no use any more. It is called once, by any goroutine.
	Leave()
}

// Stats are counters of what came from a member since it joined.
type Stats struct {
	Received  uint64 // frames with audio
	Lost      uint64 // missing sequences that no mark explains
	Discarded uint64 // late, twice or too many
	Malformed uint64 // not fit for a decoder
	Hushed    uint64 // with audio, of one who may not speak
	// At 48 kHz, given to the mix, and how many of them were made up.
	TotalSamples, ConcealedSamples uint64
	Jitter, Buffer, Target         time.Duration
	// Playout is all that a conference's playout counts; zero elsewhere.
	Playout playout.Stats
}

// Config are a Directory's parts.
type Config struct {
	Codecs codec.Registry
	Clock  audio.Clock
	// Default is the destination of calls that name none; "": Echo.
	Default string
	// Speakers is how many are heard at a time in a conference; 0: DefaultSpeakers.
	Speakers int
	// LevelControl brings each who is heard in a conference slowly to the same
	// loudness. The levels that members are told stay those that were said.
	LevelControl bool
	// Log is told of conferences that stand still, and of how each that ended kept
	// its time; nil: nobody is.
	Log *slog.Logger
}

// Directory knows the destinations and the conferences that exist. Use New.
type Directory struct {
	cfg Config

	mu     sync.Mutex
	rooms  map[string]*conference
	opened uint64
}

// New returns a directory without conferences. They come with their first
// member and go with their last.
func New(cfg Config) *Directory {
	if cfg.Default == "" {
		cfg.Default = Echo
	}
	if cfg.Speakers == 0 {
		cfg.Speakers = DefaultSpeakers
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Directory{cfg: cfg, rooms: make(map[string]*conference)}
}

// roomName is a conference's name behind the prefix.
var roomName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// Resolve returns the destination that a call with this wish gets, or an error
// that wraps ErrNoDestination and says which exist.
func (d *Directory) Resolve(destination string) (string, error) {
	if destination == "" {
		destination = d.cfg.Default
	}
	name, isRoom := strings.CutPrefix(destination, Prefix)
	if destination == Echo || destination == Tone || isRoom && roomName.MatchString(name) {
		return destination, nil
	}
	return "", fmt.Errorf("%w as %.80q: there are echo, tone and room/NAME with a NAME of 1 to 64 of a-z 0-9 . _ -",
		ErrNoDestination, destination)
}

// Join connects a member to a destination that Resolve returned. Frames and
// events may come to down before it returns.
func (d *Directory) Join(destination string, m Member, down Downlink) (Leg, error) {
	destination, err := d.Resolve(destination)
	switch {
	case err != nil:
		return nil, err
	case destination == Echo:
		return newLoopback(m, down), nil
	case destination == Tone:
		return d.startTone(m, down)
	}
	return d.joinConference(destination, m, down)
}

// Rooms returns how many conferences there are.
func (d *Directory) Rooms() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.rooms)
}

// joinConference lets m into the conference, which begins with its first member.
func (d *Directory) joinConference(name string, m Member, down Downlink) (Leg, error) {
	l, err := newConferenceLeg(d, m, down)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.rooms[name]
	if c == nil {
		if len(d.rooms) == MaxRooms {
			return nil, fmt.Errorf("%w: there are %d rooms, more are not allowed", ErrFull, MaxRooms)
		}
		c = d.openLocked(name, 0, 0, nil)
	}
	if !c.join(l) {
		return nil, fmt.Errorf("%w: %s has %d members, more are not allowed", ErrFull, name, MaxMembers)
	}
	return l, nil
}

// openLocked begins a conference, with the members of the one that stood still
// before it: their streams start anew. serial is how many participants that had.
func (d *Directory) openLocked(name string, stalls int, serial uint64, legs []*conferenceLeg) *conference {
	c := newConference(name, stalls, d.cfg.Speakers, d.cfg.Clock)
	c.phase, c.legs, c.serial = phase(d.opened), legs, serial
	d.opened++
	for _, l := range legs {
		l.room = c
		l.restart()
		c.share(l)
	}
	d.rooms[name] = c
	go c.run()
	go c.watch(d)
	return c
}

// phase spreads the ticks of rooms that are opened together, the first at 0: multiples
// of the golden section leave no gap however many there are.
func phase(opened uint64) time.Duration {
	_, part := math.Modf(float64(opened) * math.Phi)
	return time.Duration(part * float64(audio.Period))
}

// leaveConference takes l out of the conference that it is in. The last one out
// waits for the room's goroutines.
func (d *Directory) leaveConference(l *conferenceLeg) {
	d.mu.Lock()
	c := l.room
	if c == nil {
		d.mu.Unlock()
		return
	}
	l.room = nil
	empty := c.part(l)
	if empty {
		delete(d.rooms, c.name)
	}
	d.mu.Unlock()
	if empty {
		c.stop(d.cfg.Log)
	}
}
