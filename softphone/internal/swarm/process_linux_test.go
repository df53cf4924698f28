package swarm

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"callcenter/audio"
)

func TestTheProcessThatListensIsFoundByItsSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), listenVariable+"="+address)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil {
			t.Fatalf("the other process said %q, %v", line, err)
		}
		_, port, err := net.SplitHostPort(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		p := findServer("127.0.0.1:" + port)
		if p.pid != cmd.Process.Pid {
			t.Errorf("found process %d, want %d", p.pid, cmd.Process.Pid)
		}
		if _, known := p.used(); !known {
			t.Error("its processor time is not known")
		}
		if n, known := p.resident(); !known || n < 1<<20 || n > 1<<30 {
			t.Errorf("its memory is %d bytes", n)
		}
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerInThisProcessOrNowhereIsNotFound(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := lis.Addr().String()
	if p := findServer(own); p.pid != 0 {
		t.Errorf("found %d for this process", p.pid)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{own, "", "192.0.2.1:50051", "127.0.0.1:http"} {
		p := findServer(address)
		if _, known := p.used(); p.pid != 0 || known {
			t.Errorf("found %d at %q", p.pid, address)
		}
		if m := watchMemory(p, audio.NewClock()).stop(); m != nil {
			t.Errorf("the memory of no process at %q is %+v", address, m)
		}
	}
}

func TestTheKernelsAddressesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F":                         "127.0.0.1",
		"00000000":                         "0.0.0.0",
		"00000000000000000000000001000000": "::1",
		"0000000000000000FFFF00000100007F": "127.0.0.1",
		"no":                               "<nil>",
		"01":                               "<nil>",
	} {
		if got := kernelIP(text).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
