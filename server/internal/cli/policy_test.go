package cli

import (
	"errors"
	"net"
	"strings"
	"testing"

	"callcenter/server/internal/config"
)

func tcp(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 50051} }

func TestTheAddressThatIsBoundDecides(t *testing.T) {
	given := config.Config{TLSCert: "c", TLSKey: "k"}
	insecure := config.Config{Insecure: true}
	for _, tc := range []struct {
		name string
		addr net.Addr
		cfg  config.Config
		want transport
	}{
		{"this machine", tcp("127.0.0.1"), config.Config{}, plainLoopback},
		{"this machine's other addresses", tcp("127.9.9.9"), config.Config{}, plainLoopback},
		{"this machine by IPv6", tcp("::1"), config.Config{}, plainLoopback},
		{"this machine by IPv4 in IPv6", tcp("::ffff:127.0.0.1"), config.Config{}, plainLoopback},
		{"a certificate on this machine", tcp("127.0.0.1"), given, tlsGiven},
		{"--insecure on this machine", tcp("127.0.0.1"), insecure, plainLoopback},
		{"an address of the network", tcp("192.0.2.1"), config.Config{}, tlsSelfSigned},
		{"every address", tcp("0.0.0.0"), config.Config{}, tlsSelfSigned},
		{"every address of IPv6", tcp("::"), config.Config{}, tlsSelfSigned},
		{"an address of a link", tcp("fe80::1"), config.Config{}, tlsSelfSigned},
		{"no address", &net.TCPAddr{}, config.Config{}, tlsSelfSigned},
		{"something else", &net.UnixAddr{Name: "/run/x"}, config.Config{}, tlsSelfSigned},
		{"a certificate", tcp("192.0.2.1"), given, tlsGiven},
		{"--insecure", tcp("192.0.2.1"), insecure, plainInsecure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.NoAuth = true
			d, err := decide(&tc.cfg, tc.addr, false)
			if err != nil || d.transport != tc.want {
				t.Errorf("%d, %v, want %d", d.transport, err, tc.want)
			}
			plain := tc.want == plainLoopback || tc.want == plainInsecure
			if d.secure() == plain || strings.Contains(d.describe(), "TLS") == plain {
				t.Errorf("secure: %v, %q", d.secure(), d.describe())
			}
		})
	}
}

func TestNoHostIsEveryAddress(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "[::]:0": false, ":0": false, "0.0.0.0:0": false} {
		addr, err := net.ResolveTCPAddr("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		if isLoopback(addr) != want {
			t.Errorf("%s is %s: loopback %v", listen, addr, !want)
		}
	}
}

func TestWhatSettingsForbidIsOneSentenceThatSaysWhatToDo(t *testing.T) {
	network, here := tcp("192.0.2.1"), tcp("127.0.0.1")
	for _, tc := range []struct {
		name string
		addr net.Addr
		cfg  config.Config
		keys bool
		says []string
	}{
		{"nobody asked", network, config.Config{}, false, []string{"192.0.2.1:50051", "--token-keys", "--no-auth"}},
		{"nobody asked in plain text", network, config.Config{Insecure: true}, false, []string{"--token-keys", "--no-auth"}},
		{"a certificate does not say who", network, config.Config{TLSCert: "c", TLSKey: "k", ClientCA: "a"}, false, []string{"--token-keys", "--no-auth"}},
		{"a folder without keys", network, config.Config{TokenKeys: "/etc/keys"}, false, []string{"/etc/keys", "token create"}},
		{"a folder without keys here", here, config.Config{TokenKeys: "/etc/keys"}, false, []string{"/etc/keys", "token create"}},
		{"certificates asked for here", here, config.Config{ClientCA: "a"}, false, []string{"--client-ca", "--tls-cert"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := decide(&tc.cfg, tc.addr, tc.keys)
			var usage usageError
			if !errors.As(err, &usage) {
				t.Fatalf("error %v", err)
			}
			for _, says := range tc.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %s", err, says)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
		})
	}
}

func TestWhoIsAsked(t *testing.T) {
	for _, tc := range []struct {
		name     string
		addr     net.Addr
		cfg      config.Config
		keys     bool
		auth     string
		cautions int
	}{
		{"nobody here", tcp("127.0.0.1"), config.Config{}, false, "none", 0},
		{"for tokens here too", tcp("127.0.0.1"), config.Config{TokenKeys: "d"}, true, "token", 0},
		{"for tokens", tcp("192.0.2.1"), config.Config{TokenKeys: "d"}, true, "token", 0},
		{"for both", tcp("192.0.2.1"), config.Config{TokenKeys: "d", ClientCA: "a"}, true, "token and certificate", 0},
		{"for certificates", tcp("192.0.2.1"), config.Config{NoAuth: true, ClientCA: "a"}, false, "certificate", 0},
		{"nobody", tcp("192.0.2.1"), config.Config{NoAuth: true}, false, "none", 1},
		{"nobody, in plain text", tcp("192.0.2.1"), config.Config{NoAuth: true, Insecure: true}, false, "none", 2},
		{"for tokens, in plain text", tcp("192.0.2.1"), config.Config{TokenKeys: "d", Insecure: true}, true, "token", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := decide(&tc.cfg, tc.addr, tc.keys)
			if err != nil || d.auth() != tc.auth || len(d.cautions()) != tc.cautions {
				t.Errorf("%q, %q, %v", d.auth(), d.cautions(), err)
			}
		})
	}
}
