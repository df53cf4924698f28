//go:build linux && !race

package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// attackVariable makes the test's program an attacker: the attack's name, of
// targetVariable.
const (
	attackVariable = "HOSTILE_TEST_ATTACK"
	targetVariable = "HOSTILE_TEST_TARGET"
	tokenVariable  = "HOSTILE_TEST_TOKEN" // that it shows
)

const (
	// longestAttack is when an attacker ends by itself, whoever has forgotten it.
	longestAttack = 10 * time.Minute
	// modest is what attackers' use of this computer counts beside the server's: they
	// are to load that, and would run elsewhere.
	modest = 19
)

// serveAttack attacks from the first byte of standard input to its end, and then
// says on standard output how it went.
func serveAttack() error {
	var k *attack
	for _, one := range append(attacks(), secureAttacks()...) {
		if one.name == os.Getenv(attackVariable) {
			k = &one
		}
	}
	if k == nil {
		return fmt.Errorf("%s=%q: there is no such attack", attackVariable, os.Getenv(attackVariable))
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("how many files may be open: %w", err)
	}
	if limit.Cur < uint64(k.full.conns+100) {
		return fmt.Errorf("%d files may be open, and it takes %d connections (ulimit -n)", limit.Cur, k.full.conns)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, modest); err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return nil // whoever started it has ended
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestAttack)
	defer cancel()
	var told sync.WaitGroup
	told.Go(func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	})
	a := &attacker{strength: k.full, spread: k.spread, bare: k.bare, resumable: true}
	a.address, a.token = os.Getenv(targetVariable), os.Getenv(tokenVariable)
	if k.secure {
		a.tls = attackersTLS()
	}
	began := time.Now()
	err := k.run(a, ctx)
	o := a.outcome(time.Since(began), err)
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		o.Cores = time.Duration(u.Utime.Nano()+u.Stime.Nano()).Seconds() / o.Seconds
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		return err
	}
	told.Wait()
	return nil
}

// assailant is an attacker in a process of its own.
type assailant struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startAttack(t *testing.T, name string, where site) *assailant {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), attackVariable+"="+name, targetVariable+"="+where.address, tokenVariable+"="+where.token)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &assailant{cmd, in, bufio.NewReader(out)}
}

// beside attacks while work runs, once begin is closed; look is called before the
// attack ends.
func (a *assailant) beside(t *testing.T, begin <-chan struct{}, work, look func()) *assault {
	t.Helper()
	done := make(chan struct{})
	var beginning sync.WaitGroup
	beginning.Go(func() {
		select {
		case <-begin:
			_, _ = a.in.Write([]byte{1}) // if it has ended it says why
		case <-done:
		}
	})
	work()
	close(done)
	beginning.Wait()
	look()
	_ = a.in.Close() // it may have ended
	o := &assault{}
	if err := errors.Join(json.NewDecoder(a.out).Decode(o), a.cmd.Wait()); err != nil {
		o.Error = err.Error()
	}
	return o
}
