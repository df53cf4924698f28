package device

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gen2brain/malgo"
)

// openLimit is how long a sound system may take to list or open devices.
const openLimit = 5 * time.Second

// malgo returns miniaudio's number. malgo's own constant for the null backend is off by
// one: miniaudio has "custom" at 13 and null at 14.
func (b Backend) malgo() (malgo.Backend, bool) {
	switch b {
	case PulseAudio:
		return malgo.BackendPulseaudio, true
	case ALSA:
		return malgo.BackendAlsa, true
	case JACK:
		return malgo.BackendJack, true
	case CoreAudio:
		return malgo.BackendCoreaudio, true
	case Null:
		return malgo.Backend(14), true
	}
	return 0, false
}

// List returns the devices of the first sound system of cfg.Backends that has
// any, microphones first. Default marks those that an empty query opens; with
// PulseAudio that takes PULSE_SOURCE and PULSE_SINK into account. It returns
// ErrNoBackend, ErrNoDevice, or ErrNoAnswer when ctx ends or the sound system
// takes longer than 5 s. It is safe for concurrent use, but after ErrNoAnswer
// every other call into the sound system waits, too, until the server answers.
func List(ctx context.Context, cfg Config) ([]Info, error) {
	type result struct {
		list []Info
		err  error
	}
	done := make(chan result, 1)
	go func() {
		s, err := connect(cfg.Backends)
		if err != nil {
			done <- result{err: err}
			return
		}
		list := s.infos()
		s.close()
		s.tap.drain(cfg.Log)
		done <- result{list: list}
	}()
	timer := time.NewTimer(openLimit)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("list sound devices: %w", r.err)
		}
		return r.list, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("list sound devices: %w: %w", ErrNoAnswer, ctx.Err())
	case <-timer.C:
		return nil, fmt.Errorf("list sound devices: %w within %v; restart the sound server", ErrNoAnswer, openLimit)
	}
}

// entry is a device with the id by which miniaudio knows it.
type entry struct {
	Info
	id malgo.DeviceID
}

// session is one connection to one sound system. Only one goroutine uses it:
// miniaudio shares the connection between listing and opening and does not
// lock it.
type session struct {
	ctx     *malgo.AllocatedContext
	backend Backend
	devices []entry
	tap     *tap
}

// reconnect connects as cfg says, but not to a server that is known to be dead.
func reconnect(cfg Config) (*session, error) {
	if cfg.Socket != "" {
		if err := probe(cfg.Socket); err != nil {
			return nil, err
		}
	}
	return connect(cfg.Backends)
}

// connect opens the first of backends that has a device and lists what it has.
// Each is tried on its own, since malgo does not tell which one it took.
func connect(backends []Backend) (*session, error) {
	if len(backends) == 0 {
		backends = Backends()
	}
	var tried []string
	reached := false
	for _, b := range backends {
		kind, ok := b.malgo()
		if !ok {
			return nil, fmt.Errorf("%w: %q is unknown", ErrNoBackend, clean(string(b), maxName))
		}
		tried = append(tried, string(b))
		if b == JACK && !jackMayRun() {
			continue
		}
		s := &session{backend: b, tap: newTap()}
		var err error
		if s.ctx, err = malgo.InitContext([]malgo.Backend{kind}, malgo.ContextConfig{}, s.tap.add); err != nil {
			continue
		}
		reached = true
		if err = s.enumerate(); err == nil && len(s.devices) > 0 {
			return s, nil
		}
		s.close()
	}
	const advice = "start PulseAudio or PipeWire, or use null, a tone or a file in place of a device"
	if reached {
		return nil, fmt.Errorf("%w: the sound system has none (tried %s); %s", ErrNoDevice, strings.Join(tried, ", "), advice)
	}
	return nil, fmt.Errorf("%w: none could be reached (tried %s); %s", ErrNoBackend, strings.Join(tried, ", "), advice)
}

// jackMayRun reports whether a JACK server may be running. Without one its
// library prints several lines to standard error, which nothing can turn off.
func jackMayRun() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	traces, err := filepath.Glob("/dev/shm/jack[-_]*")
	return err == nil && slices.ContainsFunc(traces, func(path string) bool {
		// A client leaves this one behind, with or without a server.
		return !strings.HasPrefix(filepath.Base(path), "jack_db-")
	})
}

// close ends the connection. No device of it may be open any more.
func (s *session) close() {
	// Nothing can be done about an error, and none but "invalid" is possible.
	_ = s.ctx.Uninit()
	s.ctx.Free()
}

// enumerate fills devices. It must not be replaced by a look-up of one device:
// miniaudio's crashes when PulseAudio does not know the name.
func (s *session) enumerate() error {
	for _, dir := range []Direction{Capture, Playback} {
		found, err := s.ctx.Devices(dir.malgo())
		if err != nil {
			return err
		}
		for i := range found {
			if e := s.describe(&found[i], dir); !e.plugin() {
				s.devices = append(s.devices, e)
			}
		}
		s.applyEnv(dir, os.LookupEnv)
	}
	return nil
}

func (d Direction) malgo() malgo.DeviceType {
	if d == Capture {
		return malgo.Capture
	}
	return malgo.Playback
}

func (s *session) describe(found *malgo.DeviceInfo, dir Direction) entry {
	e := entry{id: found.ID, Info: Info{
		ID:        s.idText(found.ID),
		Name:      clean(found.Name(), maxName),
		Direction: dir,
		Default:   found.IsDefault != 0,
		Backend:   s.backend,
	}}
	if e.Name == "" {
		e.Name = clean(e.ID, maxName)
	}
	// The description of a real microphone may say "monitor", and that of a
	// monitor need not: only the id can be relied on.
	e.Monitor = dir == Capture && s.backend == PulseAudio && strings.HasSuffix(e.ID, ".monitor")
	return e
}

// plugin reports whether e is one of the converters and bridges that ALSA lists
// whether or not there is a sound card behind them. Counted as devices they
// would hide that there is none; "null" would even open, and hear nothing.
func (e entry) plugin() bool {
	if e.Backend != ALSA {
		return false
	}
	switch e.ID {
	case "null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "a52", "arcam_av",
		"jack", "oss", "pulse", "usbstream":
		return true
	}
	return false
}

// idText returns the id as text where the sound system's ids are texts.
func (s *session) idText(id malgo.DeviceID) string {
	switch s.backend {
	case PulseAudio, ALSA, CoreAudio:
		text, _, _ := bytes.Cut(id[:], []byte{0})
		if cleaned := clean(string(text), maxID); cleaned != "" {
			return cleaned
		}
	case JACK, Null:
	}
	return id.String()
}

// applyEnv moves the default mark to the device that libpulse will take when it
// is given no name. The server knows nothing of these variables.
func (s *session) applyEnv(dir Direction, getenv func(string) (string, bool)) {
	name, set := s.envDefault(dir, getenv)
	if !set {
		return
	}
	for i := range s.devices {
		if d := &s.devices[i]; d.Direction == dir {
			d.Default = d.ID == name
		}
	}
}

// envDefault returns the name in PULSE_SOURCE or PULSE_SINK. A variable that is
// set but empty counts: libpulse then asks for a device without a name.
func (s *session) envDefault(dir Direction, getenv func(string) (string, bool)) (string, bool) {
	if s.backend != PulseAudio {
		return "", false
	}
	name, set := getenv(envName(dir))
	return name, set && name != "@DEFAULT_SOURCE@" && name != "@DEFAULT_SINK@"
}

func envName(dir Direction) string {
	if dir == Capture {
		return "PULSE_SOURCE"
	}
	return "PULSE_SINK"
}

func (s *session) infos() []Info {
	list := make([]Info, len(s.devices))
	for i, e := range s.devices {
		list[i] = e.Info
	}
	return list
}

// find returns the device with that id or what query names, and its entry. The
// default device is resolved here and opened by its id, too: a stream that was
// opened without one is moved by a sound server when its device goes, also to a
// loudspeaker or to what records one. There is no entry where only the sound
// system can choose, or chooses better: ALSA has several devices to try.
func (s *session) find(dir Direction, id, query string) (Info, *malgo.DeviceID, error) {
	list := s.infos()
	info, err := findAgain(list, dir, id, query)
	if err != nil {
		return Info{}, nil, err
	}
	for i := range s.devices {
		if e := s.devices[i]; e.Info == info && (query != "" || !info.Default || s.moves()) {
			// A copy: memory lent to C may not be part of anything with Go
			// pointers in it.
			handle := e.id
			return info, &handle, nil
		}
	}
	if name, set := s.envDefault(dir, os.LookupEnv); set && info.ID != name {
		// Which device that is cannot be known, so neither whether it is a monitor.
		return Info{}, nil, fmt.Errorf("%w: %s names %q, which the sound server does not list; unset it or correct it",
			ErrUnknownDevice, envName(dir), clean(name, maxName))
	}
	return info, nil, nil
}

// moves reports whether the sound system moves a stream that was opened without
// an id to whatever is the default then.
func (s *session) moves() bool { return s.backend == PulseAudio || s.backend == CoreAudio }
