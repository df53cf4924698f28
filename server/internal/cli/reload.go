package cli

import (
	"errors"
	"net"
	"slices"
	"strings"

	"callcenter/api/settings"
	"callcenter/server/internal/config"
)

// reload reads the settings, and the files that they name, as a start would. All
// of it is checked before anything is applied. What a server that runs can change
// is changed, and calls that are there stay; of the rest the log says that it takes
// a restart.
func (s *server) reload() error {
	x := examine(s.flags, func(listen string) (net.Addr, error) {
		if listen == s.cfg.Listen {
			return s.listener.Addr(), nil // whatever the name stands for by now
		}
		return lookUp(listen)
	})
	if len(x.errs) > 0 {
		return errors.Join(x.errs...)
	}
	// What was checked a moment ago can only fail here if it changed since.
	var errs []error
	for _, p := range s.parts {
		if err := p.reload(); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	s.apply(x)
	return nil
}

// apply puts settings in force and logs each that is not what it was.
func (s *server) apply(x examination) {
	changed, later := 0, 0
	for _, c := range config.Changes(s.settings, x.list) {
		if !c.Live {
			later++
			s.log.Warn("a setting waits for a restart", "setting", c.Key, "in_force", c.From, "then", c.To, "from", c.Source)
			continue
		}
		changed++
		s.log.Info("a setting changed", "setting", c.Key, "before", c.From, "now", c.To, "from", c.Source)
		replace(s.settings, x.list, c.Key)
	}
	limits := x.cfg.Limits()
	limits.StreamsPerConnection = s.cfg.MaxStreamsPerConnection // connections were promised it
	s.gate.Set(limits)
	for _, w := range x.warnings {
		s.log.Warn("settings", "caution", w)
	}
	s.log.Info("reloaded", "settings_changed", changed, "waiting_for_restart", later)
}

// replace puts one setting of another list into a list.
func replace(list, from []settings.Setting, key string) {
	named := func(s settings.Setting) bool { return s.Name == key }
	if i, j := slices.IndexFunc(list, named), slices.IndexFunc(from, named); i >= 0 && j >= 0 {
		list[i] = from[j]
	}
}

// oneLine is an error as the log has it.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
