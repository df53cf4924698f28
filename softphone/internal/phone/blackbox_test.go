package phone_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"callcenter/api"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// canary is in every place where a secret may be one day.
const canary = "canary-7f3a91c2"

// spy is a connection that keeps the secrets that go over it, and brings one.
type spy struct {
	call.Conn
	seen *secrets
}

type secrets struct {
	mu   sync.Mutex
	list map[string]bool
}

func (s *secrets) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != "" {
		s.list[token] = true
	}
}

func (s spy) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, o ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+canary)
	stream, err := s.Conn.NewStream(ctx, d, method, o...)
	return spiedStream{stream, s.seen}, err
}

type spiedStream struct {
	grpc.ClientStream
	seen *secrets
}

func (s spiedStream) SendMsg(m any) error {
	s.seen.add(m.(*api.AudioChunk).GetSetup().GetResumeToken())
	return s.ClientStream.SendMsg(m)
}

func (s spiedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.seen.add(m.(*api.AudioChunk).GetEvent().GetResumeToken())
	return err
}

// keeping makes a phone keep its calls.
func keeping(folder string) func(*phone.Config) {
	return func(c *phone.Config) {
		c.Boxes = &blackbox.Shelf{Folder: folder, Version: "test", Settings: "codec = \"opus\" # default\n"}
	}
}

// saved waits for the notice of a black box and opens it.
func saved(t *testing.T, p *phone.Phone) *blackbox.Box {
	t.Helper()
	n := notice(t, p, "black")
	path, what, ok := strings.Cut(n.Text, ": saved ")
	if !ok || !strings.Contains(what, "both voices, statistics, settings and this screen. It holds what was said.") {
		t.Fatalf("the notice says %q", n.Text)
	}
	b, err := blackbox.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestABlackBoxOverAStallingProxyReplaysAndHoldsNoSecret saves in a call and after
// it.
func TestABlackBoxOverAStallingProxyReplaysAndHoldsNoSecret(t *testing.T) {
	t.Setenv("SOFTPHONE_TOKEN", canary)
	t.Setenv("SOFTPHONE_SECRET_KEY", canary)
	link := proxy.Start(t, servertest.Start(t, servertest.Options{}).Addr)
	folder := filepath.Join(t.TempDir(), "data", "blackbox")
	seen := &secrets{list: map[string]bool{canary: true}}
	p := startPhone(t, link.Addr, &fakeSound{}, keeping(folder), func(c *phone.Config) {
		c.Connect = func(server string) (call.Conn, error) {
			conn, err := phone.Connect(server)
			return spy{conn, seen}, err
		}
	})
	p.SaveBlackBox("")
	notice(t, p, "there has been no call yet")
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	waitFor(t, "a second of sound", func() bool { return p.Snapshot().Traffic.Received > 50 })
	link.Pause(proxy.Up, proxy.Down)
	waitFor(t, "a stall", func() bool { return p.Snapshot().Delay.RTTKnown && p.Snapshot().Health.Quiet > 800*time.Millisecond })
	link.Resume(proxy.Up, proxy.Down)
	waitFor(t, "the stall to be over", func() bool { return p.Snapshot().Counts.Stalls > 0 && p.Snapshot().Health.Quiet < 100*time.Millisecond })

	p.SaveBlackBox("the screen in the call\x1b[2J")
	during := saved(t, p)
	p.HangUp()
	waitState(t, p, callstate.Idle)
	p.SaveBlackBox("the screen after the call")
	after := saved(t, p)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if len(seen.list) < 2 {
		t.Fatal("no resume token was seen: the server gives one")
	}
	for name, b := range map[string]*blackbox.Box{"the screen in the call": during, "the screen after the call": after} {
		o, err := b.Replay(opus.Codec{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !o.Whole || !o.Same() || o.Recorded.StallCount == 0 {
			t.Errorf("%d of %d pulls differ\nrecorded %+v\nreplayed %+v", o.Differs, o.Pulls, o.Recorded, o.Replayed)
		}
		if !strings.HasPrefix(b.Screen, name) || strings.Contains(b.Screen, "\x1b") || b.Manifest.Destination != "echo" || len(b.Rows) == 0 {
			t.Errorf("screen %q, manifest %+v, %d rows", b.Screen, b.Manifest, len(b.Rows))
		}
		wantNoSecret(t, b.Path, seen.list)
	}
}

// wantNoSecret looks for secrets in the file and in everything in it.
func wantNoSecret(t *testing.T, path string, secrets map[string]bool) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{"the archive": raw}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range parts {
		for s := range secrets {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("the secret %s is in %s", s, name)
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestWhereNoCallIsKeptTheKeySaysSo(t *testing.T) {
	p := startPhone(t, "127.0.0.1:1", &fakeSound{})
	p.SaveBlackBox("")
	notice(t, p, "switched off; --black-box")
}

func TestABlackBoxThatCannotBeWrittenIsASentence(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPhone(t, s.Addr, &fakeSound{}, keeping(filepath.Join(blocked, "blackbox")))
	p.Dial("echo")
	waitFor(t, "sound", func() bool { return p.Snapshot().Traffic.Received > 10 })
	p.SaveBlackBox("")
	if n := notice(t, p, "could not be saved in "+blocked); n.Severity != callstate.Failure || !strings.Contains(n.Text, "not a directory") {
		t.Errorf("it says %q", n.Text)
	}
	p.HangUp()
	waitState(t, p, callstate.Idle)
}
