package cli

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/server/internal/config"
)

// examination is what a start with certain settings would come to, found out
// without starting, and without writing anything.
type examination struct {
	cfg      config.Config
	list     []settings.Setting
	lines    []string // what the server would do
	warnings []string // what would not keep it from starting, one sentence each
	errs     []error  // what would
}

// examine looks at the settings that a command line's flags lead to, and at all
// that they name. resolve finds the address that a text to listen on stands for.
func examine(fs *pflag.FlagSet, resolve func(listen string) (net.Addr, error)) examination {
	var x examination
	x.cfg, x.list, x.errs = config.Show(fs)
	cfg := &x.cfg
	if addr, err := resolve(cfg.Listen); err != nil {
		x.wrong("listen", fmt.Errorf("the address cannot be had: %w", err))
	} else {
		x.lines = append(x.lines, "listen on "+addr.String())
		x.callers(addr)
	}
	x.lines = append(x.lines, "give a call without a destination "+cfg.Destination())
	x.lines = append(x.lines, limitLines(cfg)...)
	if w := openFilesWarning(cfg); w != "" {
		x.warnings = append(x.warnings, w)
	}
	return x
}

// lookUp is examine's resolve where nothing listens yet.
func lookUp(listen string) (net.Addr, error) {
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return nil, err
	}
	return addr, nil
}

// callers is about who may come in, and how.
func (x *examination) callers(addr net.Addr) {
	if len(x.errs) > 0 && slices.ContainsFunc(securitySettings(), x.isWrong) {
		return // what follows from it is wrong as well
	}
	keys, asked, err := checkTokens(&x.cfg)
	x.add(err)
	if err != nil {
		return
	}
	spoken, err := checkSecurity(&x.cfg, addr, keys)
	x.add(err)
	x.lines = append(append(x.lines, spoken...), asked...)
}

// securitySettings are those that say who may come in.
func securitySettings() []string {
	return []string{"tls-cert", "tls-key", "client-ca", "insecure", "state-dir", "token-keys", "audience", "no-auth"}
}

// add notes each line of an error; nil has none.
func (x *examination) add(err error) {
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		x.errs = append(x.errs, errors.New(line))
	}
}

func (x *examination) isWrong(key string) bool {
	return slices.ContainsFunc(x.errs, func(e error) bool { return strings.HasPrefix(e.Error(), "setting "+key+" ") })
}

// wrong notes an error of a setting, unless something else is wrong with it.
func (x *examination) wrong(key string, err error) {
	if x.isWrong(key) {
		return
	}
	source := "default"
	if i := slices.IndexFunc(x.list, func(s settings.Setting) bool { return s.Name == key }); i >= 0 {
		source = x.list[i].Source.String()
	}
	x.errs = append(x.errs, fmt.Errorf("setting %s from %s: %w", key, source, err))
}

// limitLines are the limits for people.
func limitLines(cfg *config.Config) []string {
	calls := fmt.Sprintf("take %d calls at a time", cfg.MaxCalls)
	if n := cfg.MaxCallsPerAddress; n > 0 {
		calls += fmt.Sprintf(", %d of one address", n)
	}
	if n := cfg.MaxCallsPerIdentity; n > 0 && cfg.TokenKeys != "" {
		calls += fmt.Sprintf(", %d of one token's subject", n)
	}
	if d := cfg.MaxCallDuration; d > 0 {
		calls += fmt.Sprintf(", each for %v at most", d)
	}
	conns := fmt.Sprintf("take %d connections at a time", cfg.MaxConnections)
	if n := cfg.MaxConnectionsPerAddress; n > 0 {
		conns += fmt.Sprintf(", %d of one address", n)
	}
	return []string{
		calls,
		conns + fmt.Sprintf(", %d calls on each", cfg.MaxStreamsPerConnection),
		fmt.Sprintf("let calls go on for %v when it is told to end", cfg.DrainTimeout),
	}
}

// filesBeside is how many files are open besides connections.
const filesBeside = 64

// openFilesWarning says that this process may not open as many files as the
// settings want connections, "" if it may. Go has raised the soft limit to the
// hard one by then.
func openFilesWarning(cfg *config.Config) string {
	limit, known := openFiles()
	need := uint64(max(0, cfg.MaxConnections)) + filesBeside
	if !known || limit >= need {
		return ""
	}
	return fmt.Sprintf("max-connections is %d and this process may open %d files, which takes %d: "+
		"raise the limit (LimitNOFILE= of a unit, ulimit -n of a shell) or lower max-connections", cfg.MaxConnections, limit, need)
}
