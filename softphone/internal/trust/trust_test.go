package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"callcenter/api/fingerprint"
	"callcenter/softphone/internal/trust"
)

const desk = "desk.example:50051"

// scene is a softphone and what it knows.
type scene struct {
	t     *testing.T
	known *trust.Known
	cfg   trust.Config
	roots *authority // of the system
}

func newScene(t *testing.T) *scene {
	t.Helper()
	roots := newAuthority(t)
	known := trust.NewKnown(t.TempDir())
	return &scene{t, known, trust.Config{Known: known, Roots: roots.pool(), Now: func() time.Time { return noon }}, roots}
}

// meet connects to a server at an address, as the phone does.
func (s *scene) meet(address string, server *tls.Config) (trust.Identity, error) {
	s.t.Helper()
	tr := trust.New(s.cfg)
	near, far := pair(s.t)
	defer func() { _, _ = near.Close(), far.Close() }()
	if server.NextProtos == nil {
		server.NextProtos = []string{"h2"}
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		c := tls.Server(far, server)
		if c.Handshake() == nil {
			_, _ = c.Write([]byte("x"))
		}
		_ = far.Close()
	}()
	defer func() { <-served }()
	c := tls.Client(near, tr.Meet(address))
	err := c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	_ = near.Close()
	if err != nil {
		return trust.Identity{}, tr.Explain(address, err)
	}
	return tr.Met(address, c.ConnectionState())
}

// pair are the two ends of a connection, which holds what nobody reads.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	if near, err = net.Dial("tcp", lis.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = lis.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// shows is a server with a certificate.
func shows(c tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{c}}
}

// refused checks that an error is final, one sentence, and says some things.
func (s *scene) refused(err error, says ...string) {
	s.t.Helper()
	var of *trust.Error
	if !errors.As(err, &of) || !of.Final || strings.Contains(err.Error(), "\n") {
		s.t.Errorf("it is not refused: %v", err)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			s.t.Errorf("%q does not say %q", err, text)
		}
	}
}

// is checks what a server was known by.
func (s *scene) is(id trust.Identity, err error, how trust.How) {
	s.t.Helper()
	if err != nil || id.How != how {
		s.t.Errorf("known by %d, want %d: %v", id.How, how, err)
	}
}

func TestAKeyIsRememberedAtFirstSightAndAnotherIsRefused(t *testing.T) {
	s := newScene(t)
	var self *authority
	key := newKey(t)
	first := self.issue(t, "desk", key)
	id, err := s.meet(desk, shows(first))
	s.is(id, err, trust.ByFirst)
	if id.Fingerprint != fingerprint.Of(first.Leaf) {
		t.Errorf("its fingerprint is %s", id.Fingerprint)
	}
	// The same key in another certificate, which is out of date: it is the key that
	// counts.
	id, err = s.meet("Desk.example:50051", shows(self.issue(t, "elsewhere", key, expired)))
	s.is(id, err, trust.ByKey)
	other := self.issue(t, "desk.example", newKey(t))
	_, err = s.meet(desk, shows(other))
	s.refused(err, desk, id.Fingerprint, fingerprint.Of(other.Leaf), "somebody may be in between", "softphone trust forget "+desk)
	// Not even with a certificate of an authority.
	_, err = s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t))))
	s.refused(err, "its key was", "somebody may be in between")
	if was, _, err := s.known.Forget(desk); !was || err != nil {
		t.Errorf("forgotten: %v, %v", was, err)
	}
	id, err = s.meet(desk, shows(other))
	s.is(id, err, trust.ByFirst)
	id, err = s.meet("desk.example:50052", shows(first)) // each port has its own
	s.is(id, err, trust.ByFirst)
}

func TestWhomAnAuthorityVouchedForCannotBecomeAStranger(t *testing.T) {
	s := newScene(t)
	id, err := s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t))))
	s.is(id, err, trust.BySystem)
	list, err := s.known.List()
	if err != nil || len(list) != 1 || !list[0].ByAuthority() {
		t.Errorf("known: %+v, %v", list, err)
	}
	id, err = s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t)))) // its key may change
	s.is(id, err, trust.BySystem)
	var self *authority
	_, err = s.meet(desk, shows(self.issue(t, "desk.example", newKey(t))))
	s.refused(err, "authorities vouched for it before", "no authority signed", "softphone trust forget")
}

func TestACertificateOfAnAuthorityThatIsNoGoodIsNoFirstSight(t *testing.T) {
	s := newScene(t)
	_, err := s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t), expired)))
	s.refused(err, "it expired on 2026-11-25", "clock")
	_, err = s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t), func(c *x509.Certificate) {
		c.NotBefore = noon.Add(time.Minute)
	})))
	s.refused(err, "it is valid from 2026-11-26")
	_, err = s.meet(desk, shows(s.roots.issue(t, "other.example", newKey(t))))
	s.refused(err, "it is for other.example and not for desk.example", "--server")
	if list, err := s.known.List(); len(list) != 0 || err != nil {
		t.Errorf("known: %v, %v", list, err)
	}
}

func TestTheAuthoritiesOfASettingCountAlone(t *testing.T) {
	s := newScene(t)
	house := newAuthority(t)
	s.cfg.CA, s.cfg.CAFile = house.pool(), "house.pem"
	id, err := s.meet(desk, shows(house.issue(t, "desk.example", newKey(t))))
	s.is(id, err, trust.ByCA)
	id, err = s.meet("10.0.0.5:1", shows(house.issue(t, "10.0.0.5", newKey(t))))
	s.is(id, err, trust.ByCA)
	_, err = s.meet(desk, shows(s.roots.issue(t, "desk.example", newKey(t))))
	s.refused(err, "nobody in house.pem signed its certificate")
	var self *authority
	_, err = s.meet(desk, shows(self.issue(t, "desk.example", newKey(t))))
	s.refused(err, "house.pem")
	_, err = s.meet(desk, shows(house.issue(t, "other", newKey(t))))
	s.refused(err, "it is for other and not for desk.example")
	_, err = s.meet(desk, shows(house.issue(t, "desk.example", newKey(t), expired)))
	s.refused(err, "expired")
	if _, err := os.Stat(s.known.Path()); err == nil {
		t.Error("somebody is remembered")
	}
}

// A client asks for no name of a server that it calls by its number, which must not
// mean that any name will do.
func TestACertificateForSomebodyElseIsNoGoodForANumber(t *testing.T) {
	s := newScene(t)
	for _, address := range []string{"10.0.0.5:1", "[fe80::5%eth0]:1", "desk.example.:1"} {
		for _, host := range []string{"other.example", "10.0.0.6", "fe80::6"} {
			_, err := s.meet(address, shows(s.roots.issue(t, host, newKey(t))))
			s.refused(err, "it is for "+host+" and not for")
		}
	}
	if list, err := s.known.List(); len(list) != 0 || err != nil {
		t.Errorf("known: %v, %v", list, err)
	}
	for address, host := range map[string]string{"10.0.0.5:1": "10.0.0.5", "[fe80::5%eth0]:1": "fe80::5", "desk.example.:1": "desk.example"} {
		id, err := s.meet(address, shows(s.roots.issue(t, host, newKey(t))))
		s.is(id, err, trust.BySystem)
	}
	s.cfg.CA = s.roots.pool()
	_, err := s.meet("10.0.0.5:1", shows(s.roots.issue(t, "other.example", newKey(t))))
	s.refused(err, "it is for other.example and not for 10.0.0.5")
}

func TestAKeyThatIsNotProvedIsNotRemembered(t *testing.T) {
	s := newScene(t)
	var self *authority
	shown := self.issue(t, "desk.example", newKey(t))
	shown.PrivateKey = newKey(t) // of somebody who only copied the certificate
	if _, err := s.meet(desk, shows(shown)); err == nil {
		t.Error("it is let in")
	}
	if list, err := s.known.List(); len(list) != 0 || err != nil {
		t.Errorf("known: %v, %v", list, err)
	}
}

func TestWhatAServerHasAgainstThisSoftphoneIsASentence(t *testing.T) {
	s := newScene(t)
	house := newAuthority(t)
	server := shows(s.roots.issue(t, "desk.example", newKey(t)))
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, house.pool()
	_, err := s.meet(desk, server)
	s.refused(err, "asks for a certificate", "--tls-cert")

	s.cfg.CertFile, s.cfg.KeyFile = write(t, house.issue(t, "ada", newKey(t), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour) // the server has no other clock
	}))
	id, err := s.meet(desk, server)
	s.is(id, err, trust.BySystem)
	s.cfg.CertFile, s.cfg.KeyFile = write(t, newAuthority(t).issue(t, "ada", newKey(t)))
	_, err = s.meet(desk, server)
	s.refused(err, "does not accept the certificate in "+s.cfg.CertFile)
	if err := os.WriteFile(s.cfg.KeyFile, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.meet(desk, server)
	var of *trust.Error
	if !errors.As(err, &of) || of.Final || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), s.cfg.KeyFile) {
		t.Errorf("a key that is being replaced: %v", err)
	}
}

func TestWhoSpeaksAnotherLanguageIsToldApart(t *testing.T) {
	s := newScene(t)
	cert := s.roots.issue(t, "desk.example", newKey(t))
	old := shows(cert)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	_, err := s.meet(desk, old)
	s.refused(err, "does not speak TLS 1.3")
	web := shows(cert)
	web.NextProtos = []string{"http/1.1"}
	_, err = s.meet(desk, web)
	s.refused(err, "is no call centre server")

	near, far := pair(t)
	go func() {
		_, _ = far.Read(make([]byte, 10))
		_, _ = far.Write([]byte{0, 0, 18, 4, 0, 0, 0, 0, 0}) // the settings of HTTP/2
		_ = far.Close()
	}()
	err = trust.New(s.cfg).Explain(desk, tls.Client(near, trust.New(s.cfg).Meet(desk)).Handshake())
	s.refused(err, "does not speak TLS", "--tls off")
	_ = near.Close()
	if err := trust.New(s.cfg).Explain(desk, net.ErrClosed); !errors.Is(err, net.ErrClosed) || errors.As(err, new(*trust.Error)) {
		t.Errorf("a network that failed: %v", err)
	}
}

func TestWhatIsOnThisComputerIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "LOCALHOST:1": true,
		"10.0.0.1:1": false, "localhost.example:1": false, "[::2]:1": false, "127.0.0.1.example:1": false, "desk": false, "": false,
	} {
		if trust.Loopback(address) != want {
			t.Errorf("%q is loopback: %v", address, !want)
		}
	}
}
