//go:build linux && !race

package capacity

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"callcenter/api"
	"callcenter/api/socket"
	"callcenter/api/wire"
)

// roleVariable makes this binary one of the servers to compare with.
const roleVariable = "CAPACITY_TEST_ROLE"

const (
	roleNaive = "naive"
	roleBare  = "bare"
)

// programs is the folder of what is measured, built once.
var programs string

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(serve(role))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "capacity")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the programs:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = dir
	for _, args := range [][]string{
		{"build", "-o", filepath.Join(dir, "server"), "callcenter/server"},
		{"test", "-c", "-o", filepath.Join(dir, "room.test"), "callcenter/server/internal/room"},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go %v: %v\n%s", args, err, out)
			return 1
		}
	}
	return m.Run()
}

// serve is a server to compare with, until it is killed. It writes its address
// on the first line of its output, as the product's server does in its log.
func serve(role string) int {
	debug.SetGCPercent(400) // the product's
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server := grpc.NewServer(serverOptions()...)
	if role == roleBare {
		api.RegisterCallCenterServer(server, bare{})
	} else {
		api.RegisterCallCenterServer(server, newNaive())
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":%q}\n", lis.Addr())
	if err := server.Serve(tuned{lis}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serverOptions are those of the product's server.
func serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.StaticStreamWindowSize(65535),
		grpc.StaticConnWindowSize(1 << 20),
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxConcurrentStreams(200),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(5 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
}

// tuned sets the product's options on every socket.
type tuned struct{ net.Listener }

func (l tuned) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		socket.Tune(conn)
	}
	return conn, err
}
