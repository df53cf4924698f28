package trust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"callcenter/api/disk"
	"callcenter/api/fingerprint"
	"callcenter/softphone/internal/lockfile"
)

const (
	// FileName is that of the file of known servers, in the data folder.
	FileName = "known-servers"
	// MaxServers is how many servers are remembered.
	MaxServers = 1000
	// maxFile is more than so many servers need, in bytes.
	maxFile = 512 << 10
	// maxAside is how many damaged files are kept.
	maxAside = 9
	// authorities stands in place of a fingerprint for whoever signed.
	authorities = "system-authorities"
)

// intro begins the file.
const intro = `# Servers that this softphone knows: address, what of, since when.
# softphone trust shows and changes this; a key that changes is refused.
`

var (
	errOther = errors.New("the file of known servers has another key for it by now; dial again")
	// errNoPlace is of a nil *Known, which knows nobody and can remember nobody.
	errNoPlace = errors.New("there is no place for the file of known servers: set XDG_DATA_HOME or HOME, or name who signs servers' certificates with --ca")
	errFull    = fmt.Errorf("%d servers are known already: forget some with softphone trust forget", MaxServers)
)

// Server is one that is known.
type Server struct {
	Address string // HOST:PORT
	// Mark is the fingerprint of its key, or that the system's authorities vouch
	// for it, see ByAuthority.
	Mark  string
	Since time.Time
}

// ByAuthority reports that no key is remembered, but that the system's authorities
// vouched for the server.
func (s Server) ByAuthority() bool { return s.Mark == authorities }

// Known is the file of known servers: a line each, for people to read, for its
// owner only. It is replaced as a whole, under a lock. Lines that are no use are
// kept aside when it is written, and told.
type Known struct{ path string }

// NewKnown returns the file in a data folder; neither need be there.
func NewKnown(folder string) *Known { return &Known{filepath.Join(folder, FileName)} }

// Path is where the file is.
func (k *Known) Path() string { return k.path }

// List returns the servers in the order in which they were met. A damaged
// file gives those that can be read and a *DamageError; another error is one of
// reading.
func (k *Known) List() ([]Server, error) {
	if k == nil {
		return nil, errNoPlace
	}
	raw, err := disk.Read(k.path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil && !errors.Is(err, disk.ErrTooLarge):
		return nil, fmt.Errorf("the file of known servers cannot be read: %w", err)
	}
	list, bad := parse(raw)
	if err != nil {
		bad++
	}
	if bad > 0 {
		return list, &DamageError{Path: k.path, Lines: bad}
	}
	return list, nil
}

// DamageError is that lines of the file are no use.
type DamageError struct {
	Path  string
	Lines int
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged: %d of its lines cannot be read, and the servers on them count as new", e.Path, e.Lines)
}

// parse reads the file, and counts the lines that are no use. An address that has
// two keys has none.
func parse(raw []byte) (list []Server, bad int) {
	twice := make(map[string]bool)
	for scan := bufio.NewScanner(bytes.NewReader(raw)); ; {
		if !scan.Scan() {
			if scan.Err() != nil { // a line without end
				bad++
			}
			break
		}
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		s, ok := parseLine(line)
		switch {
		case !ok || len(list) == MaxServers:
			bad++
		case indexOf(list, s.Address) >= 0:
			bad++
			twice[s.Address] = true
		default:
			list = append(list, s)
		}
	}
	return slices.DeleteFunc(list, func(s Server) bool { return twice[s.Address] }), bad
}

// render is the file.
func render(list []Server) []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, s := range list {
		fmt.Fprintf(&b, "%s %s %s\n", s.Address, s.Mark, s.Since.UTC().Format(time.RFC3339))
	}
	return b.Bytes()
}

func parseLine(line string) (Server, bool) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return Server{}, false
	}
	at, err := time.Parse(time.RFC3339, f[2])
	address, aerr := Address(f[0])
	if err != nil || aerr != nil || address != f[0] || f[1] != authorities && fingerprint.Check(f[1]) != nil {
		return Server{}, false
	}
	return Server{Address: f[0], Mark: f[1], Since: at}, true
}

func indexOf(list []Server, address string) int {
	return slices.IndexFunc(list, func(s Server) bool { return s.Address == address })
}

// Address is HOST:PORT as the file has it, or an error that says what is wrong. It is
// the same however the host and the port are written, so that nobody is a stranger
// under another spelling.
func Address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		port = strconv.FormatUint(n, 10)
	}
	odd := func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f }
	if err != nil || host == "" || port == "" || len(text) > 300 || strings.ContainsFunc(text, odd) {
		return "", &UsageError{fmt.Errorf("%.80q is no address: use HOST:PORT, as --server does", text)}
	}
	return net.JoinHostPort(host, port), nil
}

// UsageError is an address or a fingerprint that is none.
type UsageError struct{ error }

func (e *UsageError) Unwrap() error { return e.error }

// find is what is known of a server. What cannot be read of a damaged file counts
// as unknown.
func (k *Known) find(address string) (Server, bool, error) {
	list, err := k.List()
	var damage *DamageError
	if err != nil && !errors.As(err, &damage) {
		return Server{}, false, err
	}
	address, err = Address(address)
	if err != nil {
		return Server{}, false, err
	}
	if i := indexOf(list, address); i >= 0 {
		return list[i], true, nil
	}
	return Server{}, false, nil
}

// meet remembers a server that was not known, and reports that it did: another
// softphone may have remembered the same since, or something else, which is
// errOther. The note says what became of a damaged file.
func (k *Known) meet(s Server) (first bool, note string, err error) {
	if s.Address, err = Address(s.Address); err != nil {
		return false, "", err
	}
	note, err = k.change(func(list []Server) ([]Server, error) {
		switch i := indexOf(list, s.Address); {
		case i >= 0 && list[i].Mark == s.Mark:
			return list, nil
		case i >= 0:
			return nil, errOther
		case len(list) >= MaxServers:
			return nil, errFull
		}
		first = true
		return append(list, s), nil
	})
	return first, note, err
}

// Add remembers the key of a server, whatever was known of it before.
func (k *Known) Add(address, mark string, now time.Time) (note string, err error) {
	if err := fingerprint.Check(mark); err != nil {
		return "", &UsageError{err}
	}
	if address, err = Address(address); err != nil {
		return "", err
	}
	return k.change(func(list []Server) ([]Server, error) {
		list = slices.DeleteFunc(list, func(s Server) bool { return s.Address == address })
		if len(list) >= MaxServers {
			return nil, errFull
		}
		return append(list, Server{Address: address, Mark: mark, Since: now}), nil
	})
}

// Forget forgets a server, and reports whether it was known.
func (k *Known) Forget(address string) (was bool, note string, err error) {
	if address, err = Address(address); err != nil {
		return false, "", err
	}
	note, err = k.change(func(list []Server) ([]Server, error) {
		n := len(list)
		list = slices.DeleteFunc(list, func(s Server) bool { return s.Address == address })
		was = len(list) < n
		return list, nil
	})
	return was, note, err
}

// change replaces the file by what f makes of its servers.
func (k *Known) change(f func([]Server) ([]Server, error)) (note string, err error) {
	if k == nil {
		return "", errNoPlace
	}
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return "", fmt.Errorf("make a place for the file of known servers: %w", err)
	}
	unlock, err := lockfile.Wait(k.path + ".lock")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	was, err := k.List()
	var damage *DamageError
	if err != nil && !errors.As(err, &damage) {
		return "", err
	}
	list, err := f(slices.Clone(was))
	if err != nil || damage == nil && slices.Equal(was, list) {
		return "", err
	}
	if damage != nil {
		kept, err := k.putAside()
		if err != nil {
			return "", err
		}
		note = fmt.Sprintf("%v; it is kept as %s.", damage, filepath.Base(kept))
	}
	return note, k.write(list)
}

// putAside keeps a damaged file under another name.
func (k *Known) putAside() (kept string, err error) {
	for n := 1; n <= maxAside; n++ {
		kept = k.path + ".damaged"
		if n > 1 {
			kept += strconv.Itoa(n)
		}
		if err := os.Link(k.path, kept); err == nil || !errors.Is(err, fs.ErrExist) {
			if err != nil { // a file system without links
				err = os.Rename(k.path, kept)
			}
			return kept, err
		}
	}
	return "", fmt.Errorf("%d damaged files are kept beside %s already: look at them and remove some", maxAside, k.path)
}

// write puts the file in place, whole or not at all.
func (k *Known) write(list []Server) error {
	if err := disk.Replace(k.path, disk.OwnerOnly, render(list)); err != nil {
		return fmt.Errorf("write the file of known servers: %w", err)
	}
	return nil
}
