//go:build unix

package auth

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	// lockLimit is how long another administrator may take, lockPause how long to
	// wait before looking again.
	lockLimit = 5 * time.Second
	lockPause = 10 * time.Millisecond
)

// lock lets one process at a time change the folder. The lock ends with the process.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the token keys' folder: %w", err)
	}
	pause := time.NewTicker(lockPause)
	defer pause.Stop()
	for range lockLimit / lockPause {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		<-pause.C
	}
	if err != nil {
		_ = f.Close() // there is another error already
		return nil, fmt.Errorf("lock the token keys' folder, somebody else may be changing it: %w: try again", err)
	}
	return func() { _ = f.Close() }, nil // which unlocks it
}
