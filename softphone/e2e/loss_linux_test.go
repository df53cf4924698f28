//go:build !race

package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// namespace is a network of its own with nothing but a loopback interface, where
// packets can be dropped.
type namespace struct{ fd int }

// newNamespace makes one that lasts until the test ends, or says why it cannot.
func newNamespace(t *testing.T) (*namespace, error) {
	t.Helper()
	n := &namespace{}
	var err error
	onThreadOfItsOwn(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("make a network namespace: %w", err)
			return
		}
		n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = unix.Close(n.fd) })
	for _, command := range []string{
		"ip link set lo mtu 1500 up",
		"nft add table inet loss",
		"nft add chain inet loss in { type filter hook input priority 0 ; }",
	} {
		if err == nil {
			err = n.run(command)
		}
	}
	return n, err
}

// do runs a function inside, such as one that makes a socket. It may wait there:
// others run meanwhile.
func (n *namespace) do(inside func()) {
	onThreadOfItsOwn(func() {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			panic(err) // its own namespace, and nobody else's is right
		}
		inside()
	})
}

// onThreadOfItsOwn runs a function and ends the thread that it ran on.
func onThreadOfItsOwn(run func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		run()
	}()
	<-done
}

// dropped returns how many packets were lost since the last drop.
func (n *namespace) dropped() (packets int, err error) {
	out, err := n.output("nft list chain inet loss in")
	if err != nil {
		return 0, err
	}
	_, count, _ := strings.Cut(out, "counter packets ")
	_, err = fmt.Sscan(count, &packets)
	return packets, err
}

// run runs a command inside.
func (n *namespace) run(command string) error {
	_, err := n.output(command)
	return err
}

func (n *namespace) output(command string) (output string, err error) {
	args := strings.Fields(command)
	n.do(func() {
		var out []byte
		if out, err = exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			err = fmt.Errorf("%s: %w: %s", command, err, bytes.TrimSpace(out))
		}
		output = string(out)
	})
	return output, err
}

// drop makes every packet be lost with a probability, in percent.
func (n *namespace) drop(percent int) error {
	if err := n.run("nft flush chain inet loss in"); err != nil || percent == 0 {
		return err
	}
	which := "" // all
	if percent < 100 {
		which = fmt.Sprintf("numgen random mod 100 < %d ", percent)
	}
	return n.run("nft add rule inet loss in " + which + "counter drop")
}
