package blackbox

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"

	"callcenter/api/disk"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
)

// Bounds on what a file may hold, far above what a Shelf writes.
const (
	maxFile     = 64 << 20
	maxMembers  = 32
	maxMember   = 16 << 20
	maxParsed   = 512 << 10 // of what is taken apart at once: a few bytes of it may become hundreds
	maxUnpacked = 64 << 20
	maxManifest = 64 << 10
	maxDepth    = 16 // of JSON
	maxRows     = 1000
	maxColumns  = 64
	maxText     = 200 // runes of a text in the manifest
)

// Error says in one sentence what is wrong with a file.
type Error struct {
	Path string
	Why  string
}

func (e *Error) Error() string { return fmt.Sprintf("black box %q %s", e.Path, e.Why) }

// Box is a file that was read.
type Box struct {
	Path     string
	Manifest Manifest
	Report   *call.Report // nil: there was none
	Screen   string
	Settings string
	Rows     []map[string]string // of seconds.csv, by its columns

	stats   stats
	members map[string][]byte
}

// Names are the members that the file has, sorted.
func (b *Box) Names() []string {
	names := make([]string, 0, len(b.members))
	for name := range b.members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Member is the content of one.
func (b *Box) Member(name string) []byte { return b.members[name] }

// Open reads the file at path. What is wrong is an *Error, or an error of the file
// system that names the path.
func Open(path string) (*Box, error) {
	raw, err := disk.Read(path, maxFile)
	switch {
	case errors.Is(err, disk.ErrTooLarge):
		return nil, &Error{path, fmt.Sprintf("is larger than %d MiB: softphone writes none like that", maxFile>>20)}
	case err != nil:
		return nil, fmt.Errorf("open black box %q: %w; check the path, and who may read it", path, disk.Cause(err))
	}
	return Parse(path, raw)
}

// Parse reads a file's content.
func Parse(path string, raw []byte) (*Box, error) {
	b := &Box{Path: path, members: make(map[string][]byte)}
	if why := b.parse(raw); why != "" {
		return nil, &Error{path, why}
	}
	return b, nil
}

// parse returns what is wrong, "" if nothing is.
func (b *Box) parse(raw []byte) string {
	const none = "is no black box: name a file that softphone saved"
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	switch {
	case err != nil && bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return "is cut short or damaged, its end is missing: get a whole copy"
	case err != nil:
		return none
	case len(archive.File) > maxMembers:
		return none
	}
	files := make(map[string]*zip.File)
	for _, f := range archive.File {
		if files[f.Name] != nil {
			return fmt.Sprintf("is damaged: it has two members %.40q", f.Name)
		}
		files[f.Name] = f
	}
	if files[memberManifest] == nil {
		return none
	}
	if why := b.manifest(files[memberManifest]); why != "" {
		return why
	}
	total := 0
	for _, name := range b.expected() {
		if files[name] == nil {
			return fmt.Sprintf("is damaged: its member %s is missing", name)
		}
		data, why := unpack(files[name], min(mostOf(name), maxUnpacked-total))
		if why != "" {
			return why
		}
		total += len(data)
		b.members[name] = data
	}
	return b.read()
}

// expected are the members of this version, beside the manifest.
func (b *Box) expected() []string {
	near, far := nearOgg, farOgg
	if b.Manifest.Codec == codec.PCM {
		near, far = nearWAV, farWAV
	}
	return []string{
		near, far, memberStats, memberSeconds, memberFrames, memberEar, memberArrivals, memberPlay, memberTape, memberState,
		memberSettings, memberScreen,
	}
}

// mostOf is how many bytes a member may have.
func mostOf(name string) int {
	if name == memberStats || name == memberSeconds {
		return maxParsed
	}
	return maxMember
}

// unpack returns a member of at most so many bytes.
func unpack(f *zip.File, most int) ([]byte, string) {
	damaged := fmt.Sprintf("is damaged: its member %.40q cannot be read; get another copy", f.Name)
	r, err := f.Open()
	if err != nil {
		return nil, damaged
	}
	defer func() { _ = r.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	switch {
	case err != nil:
		return nil, damaged
	case len(data) > most:
		return nil, fmt.Sprintf("is damaged: its member %.40q is larger than any that softphone writes", f.Name)
	}
	return data, ""
}

// manifest reads what the file is.
func (b *Box) manifest(f *zip.File) string {
	raw, why := unpack(f, maxManifest)
	if why != "" {
		return why
	}
	damaged := fmt.Sprintf("is damaged: its %s makes no sense; get another copy", memberManifest)
	if tooDeep(raw) {
		return damaged
	}
	var id struct {
		Format    string `json:"format"`
		Version   int    `json:"version"`
		Softphone string `json:"softphone"`
	}
	if json.Unmarshal(raw, &id) != nil {
		return damaged
	}
	switch {
	case id.Format != format || id.Version < 1:
		return "is no black box: name a file that softphone saved"
	case id.Version > version:
		return fmt.Sprintf("was made by a newer softphone, %s (format %d): this one reads format %d; update",
			line(id.Softphone), id.Version, version)
	}
	m := &b.Manifest
	if json.Unmarshal(raw, m) != nil || m.Codec != codec.Opus && m.Codec != codec.PCM ||
		!sane(m.LengthS) || !sane(m.DurationS) {
		return damaged
	}
	for _, s := range []*string{&m.Softphone, &m.Go, &m.OS, &m.Arch, &m.CallID, &m.Destination, &m.Server, &m.State} {
		*s = line(*s)
	}
	m.Members = make(map[string]string)
	for _, name := range append(b.expected(), memberManifest) {
		m.Members[name] = means(name)
	}
	b.members[memberManifest] = raw
	return ""
}

// sane reports a length in seconds that a call may have.
func sane(s float64) bool { return s >= 0 && s < math.MaxInt32 }

// read takes the members apart that are shown.
func (b *Box) read() string {
	damaged := func(name string) string {
		return fmt.Sprintf("is damaged: its member %s makes no sense; get another copy", name)
	}
	if raw := b.members[memberStats]; tooDeep(raw) || json.Unmarshal(raw, &b.stats) != nil {
		return damaged(memberStats)
	}
	if b.Report = b.stats.Report; b.Report != nil {
		for _, s := range []*string{&b.Report.Destination, &b.Report.CallID, &b.Report.Codec, &b.Report.Ended, &b.Report.Error} {
			*s = line(*s)
		}
	}
	b.Screen, b.Settings = printable(string(b.members[memberScreen])), printable(string(b.members[memberSettings]))
	table := csv.NewReader(bytes.NewReader(b.members[memberSeconds]))
	head, err := table.Read()
	if err != nil || len(head) > maxColumns {
		return damaged(memberSeconds)
	}
	for len(b.Rows) < maxRows {
		cells, err := table.Read()
		if errors.Is(err, io.EOF) {
			return b.checkTape(damaged(memberTape))
		}
		if err != nil {
			return damaged(memberSeconds)
		}
		row := make(map[string]string)
		for i, cell := range cells {
			row[line(head[i])] = line(cell)
		}
		b.Rows = append(b.Rows, row)
	}
	return damaged(memberSeconds)
}

// checkTape looks whether the tape can be replayed, and its counts belong to it.
func (b *Box) checkTape(damaged string) string {
	format := b.format()
	ends, at := make(map[uint64]bool), uint64(0)
	err := walk(b.members[memberTape], func(r record) error {
		at += uint64(len(r.whole))
		switch r.kind {
		case kindPushed:
			p, _, err := parsePushed(r)
			if err != nil || len(p.Data) == 0 {
				return err
			}
			if n, err := format.Samples(p.Data); err != nil || n != p.Samples {
				return errTape
			}
		case kindPulled:
			ends[at] = true
			_, err := parsePulled(r)
			return err
		case kindOneWay, kindAhead:
			_, err := parseTold(r)
			return err
		case kindFlushed:
		case kindCame, kindSent:
			return errTape
		default:
			return errTape
		}
		return nil
	})
	if err != nil {
		return damaged
	}
	for _, c := range b.stats.Counts {
		if !ends[c.TapeBytes] {
			return damaged
		}
	}
	if s := b.stats.State; s != nil && !ends[s.TapeBytes] {
		return damaged
	}
	return ""
}

// tooDeep reports JSON that is nested deeper than any of ours.
func tooDeep(raw []byte) bool {
	depth, text, escaped := 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped = c == '\\'
			text = c != '"'
		case c == '"':
			text = true
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return false
}

// line makes a text fit for one line of a terminal.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText])
	}
	return s
}
