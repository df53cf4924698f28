//go:build linux && !race

package desk

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// murmurd is where Debian puts Mumble's server, which is not in everybody's PATH.
const murmurd = "/usr/sbin/murmurd"

// missingForMumble says what Mumble's row needs and this machine does not have.
func missingForMumble() string {
	var missing []string
	for program, name := range map[string]string{"mumble": "mumble", murmurd: "mumble-server", "openssl": "openssl", "sqlite3": "sqlite3"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "not installed: " + strings.Join(missing, ", ")
}

// mumble is Mumble's client in a channel with one more, who talks. Both transmit
// what the microphone hears, all the time. Now and then one of them opens no sound
// at its start: then both begin again.
func (r *rig) mumble(t *testing.T) *subject {
	t.Helper()
	for range 3 {
		host := startMurmur(t)
		one, endOne := r.mumbler(t, host, "operator")
		_, endOther := r.mumbler(t, host, "caller")
		waitFor(t, "both in Mumble's channel", func() bool { return host.joined.Load() >= 2 })
		end := func() { endOther(); endOne(); host.end() }
		if r.heard(patience / 4) {
			return &subject{pid: one, only: endOther, end: end}
		}
		end()
	}
	t.Fatal("Mumble was started three times and not heard")
	return nil
}

// murmur is a server of Mumble's.
type murmur struct {
	port   int
	digest string // of its certificate
	joined atomic.Int64
	end    func()
}

func startMurmur(t *testing.T) *murmur {
	t.Helper()
	m := &murmur{port: freePort(t)}
	dir := t.TempDir()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(dir, "murmur.ini")
	write(t, settings, fmt.Sprintf("database=%s\nhost=127.0.0.1\nport=%d\nuname=%s\nbonjour=False\nusers=4\nbandwidth=128000\n",
		filepath.Join(dir, "murmur.sqlite"), m.port, me.Username))
	cmd := exec.Command(murmurd, "-fg", "-ini", settings)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	m.end = begin(t, cmd, func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.HasSuffix(lines.Text(), "Authenticated") {
				m.joined.Add(1)
			}
		}
	})
	waitFor(t, "Mumble's server", func() bool {
		conn, err := tls.Dial("tcp", m.address(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		m.digest = fmt.Sprintf("%x", sha1.Sum(conn.ConnectionState().PeerCertificates[0].Raw))
		return conn.Close() == nil
	})
	return m
}

func (m *murmur) address() string { return fmt.Sprintf("127.0.0.1:%d", m.port) }

func freePort(t *testing.T) int {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	addr, ok := lis.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("%v is no address of TCP", lis.Addr())
	}
	return addr.Port
}

// mumbler is a client with a home in which all that it would ask is answered:
// its certificate, its devices, and that this server is the right one.
func (r *rig) mumbler(t *testing.T, host *murmur, name string) (pid int, end func()) {
	t.Helper()
	home := t.TempDir()
	data := filepath.Join(home, ".local/share/Mumble/Mumble")
	for _, dir := range []string{filepath.Join(home, "Documents"), filepath.Join(home, ".config/Mumble"), data} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(home, ".config/Mumble/Mumble.conf"), "[General]\nlastupdate=3\n\n[audio]\ninput=PulseAudio\noutput=PulseAudio\n"+
		"transmit=0\n\n[net]\njitterbuffer=1\n\n[overlay]\nenable=false\n\n[tts]\nenable=false\n")
	key, cert := filepath.Join(home, "key.pem"), filepath.Join(home, "cert.pem")
	tool(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN="+name)
	tool(t, "openssl", "pkcs12", "-export", "-inkey", key, "-in", cert, "-passout", "pass:",
		"-out", filepath.Join(home, "Documents/MumbleAutomaticCertificateBackup.p12"))
	tool(t, "sqlite3", filepath.Join(data, "mumble.sqlite"), fmt.Sprintf("CREATE TABLE cert (id INTEGER PRIMARY KEY AUTOINCREMENT, hostname TEXT, port INTEGER, digest TEXT); "+
		"INSERT INTO cert (hostname, port, digest) VALUES ('127.0.0.1', %d, '%s');", host.port, host.digest))
	cmd := exec.Command("mumble", "-m", "mumble://"+name+"@"+host.address()+"/")
	cmd.Env = append(r.sound.Env(), "HOME="+home, "PATH="+os.Getenv("PATH"), "LC_ALL=C.UTF-8",
		"QT_QPA_PLATFORM=offscreen", "DBUS_SESSION_BUS_ADDRESS=disabled:")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	end = begin(t, cmd, func() { _, _ = io.Copy(io.Discard, out) })
	return cmd.Process.Pid, end
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
