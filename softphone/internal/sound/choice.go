package sound

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"callcenter/audio/device"
	"callcenter/softphone/internal/callstate"
)

// Choice is a device that the operator has chosen before.
type Choice struct{ ID, Name string }

// Choose returns the first of choices that is in the list, by its id; or by its
// name, if that names one device, since a headset in another socket may have
// another id. A monitor is found by its id only.
func Choose(list []Info, dir Direction, choices []Choice) (Info, bool) {
	for _, c := range choices {
		if d, ok := c.in(list, dir); ok {
			return d, true
		}
	}
	return Info{}, false
}

func (c Choice) in(list []Info, dir Direction) (Info, bool) {
	var named []Info
	for _, d := range list {
		switch {
		case d.Direction != dir:
		case d.ID == c.ID:
			return d, true
		case !d.Monitor && d.Name == c.Name:
			named = append(named, d)
		}
	}
	if len(named) == 1 {
		return named[0], true
	}
	return Info{}, false
}

// Find returns which of the listed devices a spec opens, if it names a device
// that is there.
func Find(list []Info, dir Direction, spec string) (Info, bool) {
	s, err := Parse(dir, spec)
	if err != nil || s.Kind != Device || s.Query == "" {
		return Info{}, false
	}
	d, err := device.Find(list, dir, s.Query)
	return d, err == nil
}

// openFirst opens what the query names; without a query the first of the
// choices that opens, and where none does the default.
func (s *deviceStream) openFirst(ctx context.Context) (handle, error) {
	if s.cfg.Query != "" || len(s.prefer) == 0 {
		return s.open(ctx, s.cfg)
	}
	// Most likely it is there, and then nothing need be listed.
	if h, err := s.openID(ctx, s.prefer[0].ID); err == nil || errors.Is(err, device.ErrNoAnswer) {
		return h, err
	}
	list, err := s.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s %q: %w", s.what, s.prefer[0].Name, err)
	}
	reason := "is not there"
	for i, c := range s.prefer {
		d, ok := c.in(list, s.dir)
		if !ok {
			continue
		}
		h, err := s.openID(ctx, d.ID)
		switch {
		case err == nil:
			s.sayInstead(h, i, reason)
			return h, nil
		case i == 0:
			reason = "cannot be opened"
		}
		s.log.Warn("device does not open", "device", s.what, "name", d.Name, "error", err)
	}
	h, err := s.open(ctx, s.cfg)
	if err == nil {
		s.sayInstead(h, len(s.prefer), reason)
	}
	return h, err
}

func (s *deviceStream) openID(ctx context.Context, id string) (handle, error) {
	cfg := s.cfg
	cfg.ID = id
	return s.open(ctx, cfg)
}

// sayInstead says that the i-th choice was opened, or the default, and not the
// first.
func (s *deviceStream) sayInstead(h handle, i int, reason string) {
	if i == 0 || h.Endpoint().ID == s.prefer[0].ID {
		return
	}
	s.say(callstate.Warning, "The %s %q %s: using %q.", s.what, clip(s.prefer[0].Name), reason, h.Endpoint().Name)
}

// clip makes a name that was kept in a file fit for a screen.
func clip(name string) string {
	if name = device.CleanName(name); strings.TrimSpace(name) == "" {
		return "of before"
	}
	return name
}
