package room

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	// levelsInterval is how often members are told how loud the speakers are.
	levelsInterval = 200 * time.Millisecond
	// MaxLevels is how many speakers they are told of at most, the loudest: more fit
	// neither on a screen nor into a chunk beside its audio.
	MaxLevels = 12
)

// Levels are those who have the floor and how loud they are, loudest first; nobody,
// when all have just left it. All members are given the same, which nobody changes
// any more.
type Levels struct {
	Speakers []SpeakerLevel

	once   sync.Once
	formed any
}

// SpeakerLevel is how loud a participant is.
type SpeakerLevel struct {
	Participant string // as in the events
	// DBov is the level of their loudest frame since the levels before, in -dBov
	// (RFC 6464), 0 to 127: as they say it, or else as it was decoded.
	DBov uint8
}

// Formed returns what form makes of the levels. Only the first who asks makes it, so
// that all members share what a Downlink needs of it. It is safe for concurrent use.
func (l *Levels) Formed(form func(*Levels) any) any {
	l.once.Do(func() { l.formed = form(l) })
	return l.formed
}

// metering is when a room tells levels, under its lock.
type metering struct {
	wait int  // steps until they are taken again
	open bool // somebody had the floor when they were last told, or may have had
}

// tellLevelsLocked gives the members the levels, each 200 ms while somebody has the
// floor, at once when the first takes it and when the last has left it. Each time
// costs one object and one list for the whole room, and nothing in between.
func (c *conference) tellLevelsLocked() {
	t := &c.metering
	speakers := 0
	for _, l := range c.legs {
		if l.speaking {
			speakers++
		}
	}
	opens, closes := speakers > 0 && !t.open, speakers == 0 && t.open
	if t.wait--; t.wait > 0 && !opens && !closes {
		return
	}
	t.wait, t.open = steps(levelsInterval), speakers > 0
	if t.open || closes {
		c.giveLevelsLocked(speakers)
	}
	for _, l := range c.legs {
		l.claim.recent = 0
	}
}

// giveLevelsLocked gives all who know levels the same.
func (c *conference) giveLevelsLocked(speakers int) {
	var levels *Levels
	for _, l := range c.legs {
		if !l.member.Extended || l.deaf.Load() {
			continue
		}
		if levels == nil {
			levels = &Levels{Speakers: c.loudestLocked(speakers)}
		}
		l.down.Levels(levels)
	}
}

// loudestLocked returns those who have the floor, so many, loudest first.
func (c *conference) loudestLocked(speakers int) []SpeakerLevel {
	if speakers == 0 {
		return nil
	}
	list := make([]SpeakerLevel, 0, speakers)
	for _, l := range c.legs {
		if l.speaking {
			list = append(list, SpeakerLevel{l.id, uint8(levelSilent - l.claim.recent)})
		}
	}
	slices.SortStableFunc(list, func(a, b SpeakerLevel) int { return cmp.Compare(a.DBov, b.DBov) })
	return list[:min(len(list), MaxLevels)]
}
