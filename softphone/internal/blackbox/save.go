package blackbox

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"callcenter/api/disk"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
)

// ErrEmpty means that nothing of a call's sound was kept yet.
var ErrEmpty = errors.New("nothing has been sent or heard")

// Shelf is the folder of black boxes. It is not for concurrent use: one file is
// written at a time.
type Shelf struct {
	// Folder is made, for its owner only, when the first file is written.
	Folder string
	// Version is the softphone's, and Settings its settings as text, without
	// secrets.
	Version, Settings string

	create func(path string) (writer, error) // of tests
}

// writer is a file that is being written.
type writer interface {
	io.WriteCloser
	Sync() error
}

// Extra is what a file says beside what its Recorder kept.
type Extra struct {
	Screen        string // what the desk showed
	Server, State string
	Duration      time.Duration // of the call, so far
	Report        *call.Report
}

// Saved says what a file contains.
type Saved struct {
	Path   string
	Length time.Duration
	Screen bool
}

// What is kept of a screen, in bytes.
const maxScreen = 64 << 10

// Save writes what r holds to a new file, removes the oldest files beyond Files,
// and leaves all else in the folder alone. The file is there as a whole or not at
// all.
func (s *Shelf) Save(r *Recorder, x Extra) (Saved, error) {
	now := time.Now()
	c, err := r.take()
	if err != nil {
		return Saved{}, err
	}
	if c.empty() {
		return Saved{}, ErrEmpty
	}
	x.Screen = printable(x.Screen[:min(len(x.Screen), maxScreen)])
	members, err := s.members(r, c, x, now)
	if err != nil {
		return Saved{}, err
	}
	if err := s.folder(); err != nil {
		return Saved{}, disk.Cause(err)
	}
	path, err := s.write(fileName(now, r.info.Destination), members, now)
	if err != nil {
		return Saved{}, err
	}
	s.tidy(now, filepath.Base(path))
	return Saved{Path: path, Length: c.window.length(), Screen: strings.TrimSpace(x.Screen) != ""}, nil
}

// member is a part of a file.
type member struct {
	name string
	data []byte
}

func (s *Shelf) members(r *Recorder, c *content, x Extra, now time.Time) ([]member, error) {
	m := Manifest{
		Format: format, Version: version, Softphone: s.Version,
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CallID: r.info.CallID, Destination: r.info.Destination, Server: x.Server, State: x.State,
		Dialed: r.begun.Round(0), Begins: r.begun.Add(c.window.from - r.since).Round(0), Saved: now.Round(0),
		DurationS: round(x.Duration.Seconds()), LengthS: round(c.window.length().Seconds()), Whole: c.whole,
		Codec: r.info.Codec, FrameMS: r.info.FrameMS, Complete: r.info.Complete,
		Sent: len(c.near.frames), Received: len(c.far.frames), Members: make(map[string]string),
	}
	var arrivals, play []byte
	arrivals, play, m.LeftOut = c.arrivalsAndPlay()
	counted, err := c.stats(x.Report)
	if err != nil {
		return nil, err
	}
	list, err := c.sound(r.info.Codec)
	if err != nil {
		return nil, err
	}
	list = append(list,
		member{memberStats, counted}, member{memberSeconds, c.seconds()}, member{memberFrames, c.frames()},
		member{memberEar, c.ear()}, member{memberArrivals, arrivals}, member{memberPlay, play}, member{memberTape, c.tape},
		member{memberState, c.state.bytes},
		member{memberSettings, []byte(s.Settings)}, member{memberScreen, []byte(x.Screen)})
	for _, part := range list {
		m.Members[part.name] = means(part.name)
	}
	text, err := indented(m)
	return append([]member{{memberManifest, text}}, list...), err
}

// sound is both legs.
func (c *content) sound(name string) ([]member, error) {
	if name == codec.PCM {
		return []member{{nearWAV, c.near.wav(c.window)}, {farWAV, c.far.wav(c.window)}}, nil
	}
	near, err := c.near.ogg(c.window)
	if err != nil {
		return nil, fmt.Errorf("near leg as Ogg: %w", err)
	}
	far, err := c.far.ogg(c.window)
	if err != nil {
		return nil, fmt.Errorf("far leg as Ogg: %w", err)
	}
	return []member{{nearOgg, near}, {farOgg, far}}, nil
}

// folder makes the folder and keeps others out of it.
func (s *Shelf) folder() error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(s.Folder)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(s.Folder, 0o700)
	}
	return err
}

// begin begins a file of that name, or of one like it if that is taken, as a part.
// Who has the part has the name, also where two softphones save at once.
func (s *Shelf) begin(name string) (f writer, path string, err error) {
	create := s.create
	if create == nil {
		create = func(path string) (writer, error) {
			return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		}
	}
	path = filepath.Join(s.Folder, name+suffix)
	for n := 2; ; n++ {
		f, err = create(path + partSuffix)
		switch {
		case err != nil && (!errors.Is(err, fs.ErrExist) || n > maxAlike):
			return nil, "", err
		case err == nil && !exists(path):
			return f, path, nil
		case err == nil:
			_ = f.Close() // nothing was written
			_ = os.Remove(path + partSuffix)
		}
		path = filepath.Join(s.Folder, fmt.Sprintf("%s-%d%s", name, n, suffix))
	}
}

// write puts the members into a new file.
func (s *Shelf) write(name string, members []member, at time.Time) (path string, err error) {
	f, path, err := s.begin(name)
	if err != nil {
		return "", disk.Cause(err)
	}
	part := path + partSuffix
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err = errors.Join(pack(f, members, at), f.Sync()); err != nil {
		_ = f.Close() // the first error tells
		return "", disk.Cause(err)
	}
	if err = f.Close(); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return "", disk.Cause(err)
	}
	disk.SyncFolder(s.Folder)
	return path, nil
}

func pack(to io.Writer, members []member, at time.Time) error {
	z := zip.NewWriter(to)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: at})
		if err != nil {
			return err
		}
		if _, err := w.Write(m.data); err != nil {
			return err
		}
	}
	return z.Close()
}

const (
	prefix     = "softphone-"
	suffix     = ".zip"
	partSuffix = ".part"
	// maxAlike is how many files of one second and destination there may be.
	maxAlike = 100
	// forgotten is how old a part must be to be left over from a softphone that
	// died.
	forgotten = time.Hour
)

// ours are the names that this package gives.
var ours = regexp.MustCompile(`^softphone-\d{8}-\d{6}-[a-z0-9._-]{1,50}\.zip(\.part)?$`)

// fileName is when and with whom, in letters that every file system takes.
func fileName(at time.Time, destination string) string {
	const most = 40
	safe := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, destination)
	safe = strings.Trim(safe[:min(len(safe), most)], "-")
	if safe == "" {
		safe = "call"
	}
	return prefix + at.Format("20060102-150405") + "-" + safe
}

// tidy removes our oldest files beyond Files, and what a softphone that died left
// of one. The newest stays also where a clock that was put back makes it the oldest.
func (s *Shelf) tidy(now time.Time, newest string) {
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		return // the next file tidies
	}
	type aged struct {
		name string
		at   time.Time
	}
	var kept []aged
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !ours.MatchString(e.Name()) {
			continue
		}
		if strings.HasSuffix(e.Name(), partSuffix) {
			if now.Sub(info.ModTime()) > forgotten {
				_ = os.Remove(filepath.Join(s.Folder, e.Name()))
			}
			continue
		}
		kept = append(kept, aged{e.Name(), info.ModTime()})
	}
	slices.SortFunc(kept, func(a, b aged) int {
		switch {
		case a.name == newest:
			return -1
		case b.name == newest:
			return 1
		}
		return cmp.Or(b.at.Compare(a.at), strings.Compare(b.name, a.name))
	})
	for _, old := range kept[min(Files, len(kept)):] {
		_ = os.Remove(filepath.Join(s.Folder, old.name))
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
