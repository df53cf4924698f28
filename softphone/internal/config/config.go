// Package config holds the softphone's settings: one struct, bound to flags,
// filled by api/settings from flags, environment, file and defaults, and
// checked as a whole before anything runs.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/protect"
	"callcenter/codec"
	"callcenter/softphone/internal/callstate"
)

// EnvPrefix begins the names of the softphone's environment variables.
const EnvPrefix = "SOFTPHONE_"

// periodAuto lets the devices' periods adapt.
const periodAuto = "auto"

// How long push-to-talk may keep the microphone open.
const (
	minTalkLimit = 5 * time.Second
	maxTalkLimit = 10 * time.Minute
)

// What to do with audio that is late.
const (
	Live     = "live"     // skip what is old and be live again
	Complete = "complete" // keep every word and catch up
)

// Config are the softphone's settings.
type Config struct {
	Servers    []string      // host:port each, best first
	Dest       string        // what the dial key dials
	Name       string        // shown to others in a room
	Capture    string        // what the microphone is
	Playback   string        // what the earpiece is
	Codec      string        // "opus" or "pcm"
	Frame      time.Duration // 10 or 20 ms
	Period     string        // "auto" or 2ms to 100ms
	Bitrate    int           // bits a second
	Complexity int           // 0 to 10
	Playout    string        // Live or Complete
	DTX        bool          // marks instead of silence

	HighPass, Denoise, LevelControl string // clean-up of the microphone: auto, on or off

	EarProtection bool
	EarCeiling    float64 // dBFS of peaks
	Sounds        string  // own sounds for the operator: auto, on or off
	JoinTones     bool    // one among them when somebody joins or leaves a room
	ASCII         bool    // the screen draws, and the line mode prints, with ASCII only
	Plain         bool    // the line mode instead of the screen
	History       bool    // calls are kept
	BlackBox      bool    // the last minute of a call is kept in memory

	MicrophoneGain, EarVolume float64       // dB, at first
	TalkLimit                 time.Duration // that push-to-talk keeps the microphone open

	TLS             string // whether servers are spoken to encrypted: auto, on or off
	CA              string // PEM file of those who sign servers' certificates; "": anybody, see package trust
	TLSCert, TLSKey string // PEM files of this softphone's own certificate; "": none
	TokenFile       string // where the token is; "": nowhere, or Token

	favourites, contacts []string // DEST or NAME=DEST, and NAME=DEST

	given       *settings.Values
	configFile  string
	defaultFile string
}

// The values of a switch of the clean-up or the sounds: auto is on for devices
// only, since files and tones are to arrive as they are.
const (
	auto = "auto"
	on   = "on"
	off  = "off"
)

// On and Off are two of the values of TLS; the third is auto.
const (
	On  = on
	Off = off
)

// Flags binds the settings to flags, with their defaults.
func (c *Config) Flags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&c.Servers, "server", []string{"127.0.0.1:50051"}, "servers to call, best first, `HOST:PORT[,...]`; may be repeated")
	fs.StringVar(&c.Dest, "dest", "echo", "default `destination`: echo, tone or room/NAME")
	fs.StringVar(&c.Name, "name", "", "your `name` as others in a room see it")
	fs.StringVar(&c.Capture, "capture", "", "microphone `X`: part of a device's name or its id, file:PATH, tone:HZ or null (default: the system's)")
	fs.StringVar(&c.Playback, "playback", "", "earpiece `X`: part of a device's name or its id, file:PATH or null (default: the system's)")
	fs.StringVar(&c.Codec, "codec", codec.Opus, "what your voice is sent in, `opus` or pcm")
	fs.DurationVar(&c.Frame, "frame", 20*time.Millisecond, "audio in one chunk, `10ms` or 20ms")
	fs.StringVar(&c.Period, "period", periodAuto, "audio that a sound device moves at once: `auto`, or a time from 2ms to 100ms that stays")
	fs.IntVar(&c.Bitrate, "bitrate", 32000, "Opus `bits` a second, 6000 to 128000")
	fs.IntVar(&c.Complexity, "complexity", 9, "Opus encoder `effort`, 0 to 10")
	fs.BoolVar(&c.DTX, "dtx", true, "announce silence instead of sending it")
	fs.StringVar(&c.HighPass, "high-pass", auto, "take rumble below 80 Hz off the microphone: `auto` (devices only), on or off")
	fs.StringVar(&c.Denoise, "denoise", auto, "suppress the microphone's steady noise: `auto` (devices only), on or off")
	fs.StringVar(&c.LevelControl, "level-control", auto, "bring the microphone's speech to -22 dBFS RMS: `auto` (devices only), on or off")
	fs.BoolVar(&c.EarProtection, "ear-protection", true, "limit what the earpiece plays")
	fs.Float64Var(&c.EarCeiling, "ear-ceiling", protect.DefaultCeiling, "highest peak that the earpiece plays, `dBFS`, -30 to 0")
	fs.StringVar(&c.Sounds, "sounds", auto, "play to you that a call rings, is answered, ends, or loses its link: `auto` (where the earpiece is a device), on or off")
	fs.BoolVar(&c.JoinTones, "join-tones", true, "with sounds, play two soft notes to you when somebody joins or leaves the room")
	fs.Float64Var(&c.MicrophoneGain, "microphone-gain", 0, "turn the microphone up or down, `dB`, -20 to 20")
	fs.Float64Var(&c.EarVolume, "ear-volume", 0, "turn the voice in the ear up or down, `dB`, -40 to 12")
	fs.DurationVar(&c.TalkLimit, "talk-limit", callstate.TalkFor, "how long push-to-talk keeps the microphone open, a `time` from 5s to 10m")
	fs.BoolVar(&c.ASCII, "ascii", false, "draw the screen with the characters of ASCII only")
	fs.BoolVar(&c.Plain, "plain", false, "no screen, but sentences and typed commands: for screen readers, dumb terminals and scripts")
	fs.BoolVar(&c.History, "history", true, "keep a history of your calls, the newest 10,000")
	fs.BoolVar(&c.BlackBox, "black-box", true, "keep the last minute of a call in memory, for a key to save it")
	fs.StringVar(&c.Playout, "playout", Live, "after a stall be `live` again at once, or play complete and catch up")
	c.securityFlags(fs)
	c.directoryFlags(fs)
	c.defaultFile = DefaultFile()
	fs.StringVar(&c.configFile, settings.ConfigFlag, "", "settings `file` (default "+c.defaultFile+")")
}

// DefaultFile is where the settings are looked for without --config.
func DefaultFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	if d := os.Getenv("XDG_CONFIG_HOME"); d != "" {
		dir = d
	}
	return filepath.Join(dir, "softphone", "config.toml")
}

// StateDir is where the log is written; it is not created here.
func StateDir() (string, error) {
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "softphone"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the log (set XDG_STATE_HOME): %w", err)
	}
	return filepath.Join(home, ".local", "state", "softphone"), nil
}

// Load settles and checks the settings; fs are the parsed flags that Flags
// bound, and skip names flags of the command that are no settings.
func (c *Config) Load(fs *pflag.FlagSet, skip ...string) error {
	file, required := c.File(fs)
	values, err := settings.Load(fs, settings.Options{
		EnvPrefix: EnvPrefix, File: file, FileRequired: required, Skip: skip,
	})
	if err != nil {
		return err
	}
	c.given = values
	return located(c.check(), values.Source)
}

// Given reports that a setting was given, by a flag, a variable or the file.
func (c *Config) Given(name string) bool { return c.given != nil && c.given.Source(name) != "default" }

func (c *Config) check() error {
	if err := checkServers(c.Servers); err != nil {
		return err
	}
	if err := c.checkDirectory(); err != nil {
		return err
	}
	switch {
	case c.Dest == "":
		return errors.New("dest is empty: set a destination such as echo")
	case c.Frame != 10*time.Millisecond && c.Frame != 20*time.Millisecond:
		return fmt.Errorf("frame %v: use 10ms or 20ms", c.Frame)
	case !c.periodIsRight():
		return fmt.Errorf("period %q: use auto, or whole milliseconds from 2ms to 100ms", c.Period)
	case c.Bitrate < 6000 || c.Bitrate > 128000:
		return fmt.Errorf("bitrate %d: use 6000 to 128000", c.Bitrate)
	case c.Complexity < 0 || c.Complexity > 10:
		return fmt.Errorf("complexity %d: use 0 to 10", c.Complexity)
	case len([]rune(c.Name)) > 64:
		return errors.New("name is longer than 64 characters: shorten it")
	case !(c.EarCeiling >= protect.MinCeiling && c.EarCeiling <= protect.MaxCeiling):
		return fmt.Errorf("ear-ceiling %g: use %g to %g dBFS", c.EarCeiling, protect.MinCeiling, protect.MaxCeiling)
	}
	if err := c.checkDesk(); err != nil {
		return err
	}
	if err := c.checkSecurity(); err != nil {
		return err
	}
	return c.checkSwitches()
}

func (c *Config) checkDesk() error {
	switch {
	case !(c.MicrophoneGain >= callstate.MinMicrophoneGain && c.MicrophoneGain <= callstate.MaxMicrophoneGain):
		return fmt.Errorf("microphone-gain %g: use %g to %g dB", c.MicrophoneGain, callstate.MinMicrophoneGain, callstate.MaxMicrophoneGain)
	case !(c.EarVolume >= callstate.MinEarpieceGain && c.EarVolume <= callstate.MaxEarpieceGain):
		return fmt.Errorf("ear-volume %g: use %g to %g dB", c.EarVolume, callstate.MinEarpieceGain, callstate.MaxEarpieceGain)
	case c.TalkLimit < minTalkLimit || c.TalkLimit > maxTalkLimit:
		return fmt.Errorf("talk-limit %v: use 5s to 10m", c.TalkLimit)
	}
	return nil
}

func (c *Config) checkSwitches() error {
	for _, s := range []struct{ name, value string }{
		{"codec", c.Codec},
		{"playout", c.Playout},
		{"high-pass", c.HighPass},
		{"denoise", c.Denoise},
		{"level-control", c.LevelControl},
		{"sounds", c.Sounds},
		{"tls", c.TLS},
	} {
		if err := choose(s.name, s.value); err != nil {
			return err
		}
	}
	if c.Denoise == on && !clean.HasDenoise {
		return errors.New("denoise on: this build has no noise suppression; build it with SpeexDSP (make build), or use auto")
	}
	return nil
}

// set is what a switch says for what is a device or not.
func set(value string, device bool) bool { return value == on || value == auto && device }

// OwnSounds says whether the softphone's own sounds are played to an earpiece,
// which is a device or not.
func (c *Config) OwnSounds(device bool) bool { return set(c.Sounds, device) }

// CleanUp says what is done to a microphone, which is a device or not.
func (c *Config) CleanUp(device bool) clean.Options {
	return clean.Options{
		HighPass: set(c.HighPass, device),
		Denoise:  set(c.Denoise, device) && clean.HasDenoise,
		Level:    set(c.LevelControl, device),
	}
}

// FixedPeriod is the devices' period, or 0 if it adapts.
func (c *Config) FixedPeriod() time.Duration {
	d, err := time.ParseDuration(c.Period)
	if err != nil {
		return 0
	}
	return d
}

func (c *Config) periodIsRight() bool {
	const ms = time.Millisecond
	d := c.FixedPeriod()
	return c.Period == periodAuto || d >= 2*ms && d <= 100*ms && d%ms == 0
}

// Options are the encoder's settings.
func (c *Config) Options() codec.Options {
	return codec.Options{
		Bitrate: c.Bitrate, Complexity: c.Complexity,
		FrameSamples: audio.Samples(c.Frame),
	}
}
