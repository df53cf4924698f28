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
type namespace struct {
	work chan func()
}

// newNamespace makes one that lasts until the test ends, or says why it cannot.
func newNamespace(t *testing.T) (*namespace, error) {
	t.Helper()
	n := &namespace{work: make(chan func())}
	made, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- fmt.Errorf("make a network namespace: %w", err)
			return
		}
		made <- nil
		for do := range n.work {
			do()
		}
	}()
	err := <-made
	t.Cleanup(func() {
		close(n.work)
		<-ended
	})
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

// do runs a function inside, such as one that makes a socket.
func (n *namespace) do(inside func()) {
	done := make(chan struct{})
	n.work <- func() {
		defer close(done)
		inside()
	}
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
