package blackbox

import (
	"encoding/json"
	"time"

	"callcenter/audio/playout"
	"callcenter/softphone/internal/call"
)

const (
	format  = "softphone black box"
	version = 1
)

// The members of a file.
const (
	memberManifest = "manifest.json"
	memberStats    = "stats.json"
	memberFrames   = "frames.csv"
	memberEar      = "ear.csv"
	memberSeconds  = "seconds.csv"
	memberArrivals = "arrivals.txt"
	memberPlay     = "play.txt"
	memberTape     = "ear.tape"
	memberState    = "ear.state"
	memberSettings = "settings.toml"
	memberScreen   = "screen.txt"
	nearOgg        = "near.ogg"
	farOgg         = "far.ogg"
	nearWAV        = "near.wav"
	farWAV         = "far.wav"
)

// means says what a member is.
func means(name string) string {
	switch name {
	case memberManifest:
		return "what this is"
	case nearOgg, nearWAV:
		return "what this operator sent, when it was said"
	case farOgg, farWAV:
		return "what was received, when it could have been heard at the soonest"
	case memberStats:
		return "counters of the playout, second by second, and the report of the call"
	case memberFrames:
		return "each frame of both legs: times, level, marks, drops, round trip"
	case memberEar:
		return "each pull of the playout: kind, time scaling, delay, target"
	case memberSeconds:
		return "the call second by second"
	case memberArrivals:
		return "what arrived when, for softphone replay --trace"
	case memberPlay:
		return "what the playout did, on the clock of arrivals.txt"
	case memberTape:
		return "all that the playout was told and asked, for softphone open --replay"
	case memberState:
		return "what the playout knew behind a part of ear.tape; empty where that begins with the call"
	case memberSettings:
		return "the settings, and where each came from"
	case memberScreen:
		return "what the screen showed"
	}
	return ""
}

// Manifest is what a black box says of itself. Seconds are from the beginning of
// what it holds.
type Manifest struct {
	Format      string            `json:"format"`
	Version     int               `json:"version"`
	Softphone   string            `json:"softphone"`
	Go          string            `json:"go"`
	OS          string            `json:"os"`
	Arch        string            `json:"arch"`
	CallID      string            `json:"call_id"`
	Destination string            `json:"destination"`
	Server      string            `json:"server"`
	Dialed      time.Time         `json:"dialed"`
	Begins      time.Time         `json:"begins"`
	Saved       time.Time         `json:"saved"`
	State       string            `json:"state"` // of the line, when it was saved
	DurationS   float64           `json:"call_duration_s"`
	LengthS     float64           `json:"length_s"`
	Whole       bool              `json:"whole"` // it begins with the call
	Codec       string            `json:"codec"`
	FrameMS     int               `json:"frame_ms"`
	Complete    bool              `json:"complete"`
	Sent        int               `json:"frames_sent"`
	Received    int               `json:"frames_received"`
	LeftOut     int               `json:"left_out_of_arrivals"`
	Members     map[string]string `json:"members"`
}

// stats is stats.json.
type stats struct {
	// Whole says that the tape begins with the call, and Counts are the counters
	// behind so many bytes of it, the last behind all.
	Whole  bool         `json:"whole"`
	Counts []tapeCount  `json:"counts"`
	State  *tapeCount   `json:"state,omitempty"` // where ear.state belongs
	Report *call.Report `json:"report,omitempty"`
}

type tapeCount struct {
	TapeBytes uint64        `json:"tape_bytes"`
	AtS       float64       `json:"at_s"`
	ClockNS   int64         `json:"clock_ns"`
	Playout   playout.Stats `json:"playout"`
}

func (c *content) stats(report *call.Report) ([]byte, error) {
	s := stats{Whole: c.whole, Report: report}
	of := func(n count) tapeCount {
		return tapeCount{n.end, round((n.now - c.window.from).Seconds()), int64(n.now), n.stats}
	}
	for i, n := range append(c.counts, c.last) {
		if i < len(c.counts) && n.end >= c.last.end || !c.hasPulled {
			continue
		}
		s.Counts = append(s.Counts, of(n))
	}
	if c.state.end > 0 {
		n := of(c.state.count)
		s.State = &n
	}
	return indented(s)
}

func round(s float64) float64 { return float64(int64(s*1000+0.5)) / 1000 }

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
