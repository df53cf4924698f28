package recall

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"callcenter/api/disk"
	"callcenter/softphone/internal/lockfile"
)

const (
	// version is that of the file's form.
	version = 1
	// maxFile is more than any file of ours is long, in bytes.
	maxFile = 256 << 10
	// maxText is the longest text that is taken from a file, in bytes.
	maxText = 256
	// maxGain is the largest gain that is taken from a file, in dB.
	maxGain = 60
)

// memory is the content of the file.
type memory struct {
	Version        int      `json:"version"`
	Microphones    []Device `json:"microphones,omitempty"` // newest first, as all lists
	Earpieces      []Device `json:"earpieces,omitempty"`
	MicrophoneGain float64  `json:"microphone_gain_db,omitempty"`
	EarpieceGain   float64  `json:"earpiece_gain_db,omitempty"`
	Recent         []string `json:"recent,omitempty"` // of an older softphone
}

// asideError says that a file was no use and where it is kept.
type asideError struct {
	path, kept, why string
	rename          error // why it is not kept
}

func (e *asideError) Error() string {
	if e.rename != nil {
		return fmt.Sprintf("%s %s and cannot be put aside (%v); devices and gains begin anew", e.path, e.why, e.rename)
	}
	return fmt.Sprintf("%s %s; it is kept as %s, and devices and gains begin anew", e.path, e.why, filepath.Base(e.kept))
}

// read returns what the file remembers. A file that is no use is put aside and
// counts as empty, with an *asideError; another error is one of reading.
func read(path string) (memory, error) {
	raw, err := disk.Read(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil && !errors.Is(err, disk.ErrTooLarge) {
		return memory{}, fmt.Errorf("what this softphone remembers cannot be read: %w", err)
	}
	var form struct {
		Version int `json:"version"`
	}
	var m memory
	switch {
	case err != nil || json.Unmarshal(raw, &form) != nil || form.Version < 1:
		return memory{}, putAside(path, "damaged", "is damaged")
	case form.Version > version:
		return memory{}, putAside(path, fmt.Sprintf("version-%d", form.Version), "is of a newer softphone")
	case json.Unmarshal(raw, &m) != nil:
		return memory{}, putAside(path, "damaged", "is damaged")
	}
	m.clean()
	return m, nil
}

func putAside(path, suffix, why string) error {
	e := &asideError{path: path, kept: path + "." + suffix, why: why}
	e.rename = os.Rename(path, e.kept)
	return e
}

// clean drops what nothing of ours writes.
func (m *memory) clean() {
	m.Microphones, m.Earpieces = cleanDevices(m.Microphones), cleanDevices(m.Earpieces)
	m.Recent = unique(slices.DeleteFunc(m.Recent, func(s string) bool { return s == "" || !plain(s) }))
	m.Recent = m.Recent[:min(len(m.Recent), maxRecent)]
	m.MicrophoneGain, m.EarpieceGain = cleanGain(m.MicrophoneGain), cleanGain(m.EarpieceGain)
}

func cleanDevices(list []Device) []Device {
	list = slices.DeleteFunc(list, func(d Device) bool { return d.ID == "" || !plain(d.ID) || !plain(d.Name) })
	var kept []Device
	for _, d := range list {
		if len(kept) < maxDevices && !slices.ContainsFunc(kept, func(k Device) bool { return sameDevice(k, d) }) {
			kept = append(kept, d)
		}
	}
	return kept
}

func unique(list []string) (kept []string) {
	for _, s := range list {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

func cleanGain(dB float64) float64 { return math.Max(-maxGain, math.Min(dB, maxGain)) }

// plain reports that a text is fit for a screen.
func plain(s string) bool {
	return len(s) <= maxText && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }) < 0
}

// update applies what changed to what the file has now and replaces it. A
// warning is an *asideError.
func update(path string, c change) (m memory, warning, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return m, nil, err
	}
	unlock, err := lockfile.Wait(path + ".lock")
	if err != nil {
		return m, nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	m, err = read(path)
	var aside *asideError
	switch {
	case errors.As(err, &aside):
		warning, err = aside, nil
		if aside.rename != nil {
			return m, nil, aside // it is not to be overwritten
		}
	case err != nil:
		return m, nil, err
	}
	c.apply(&m)
	m.Version = version
	return m, warning, replace(path, m)
}

// replace writes the file beside the old one and puts it in its place.
func replace(path string, m memory) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(path, disk.OwnerOnly, append(raw, '\n'))
}
