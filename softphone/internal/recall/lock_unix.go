//go:build unix

package recall

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	// lockLimit is how long another softphone may keep the file to itself. It
	// needs some ms.
	lockLimit = 2 * time.Second
	lockLook  = 10 * time.Millisecond
)

// lock keeps others away from the file until unlock. The lock ends with the
// process, however that ends.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(lockLook)
	defer ticker.Stop()
	for waited := time.Duration(0); ; waited += lockLook {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f.Close, nil
		case errors.Is(err, syscall.EWOULDBLOCK) && waited < lockLimit, errors.Is(err, syscall.EINTR):
			<-ticker.C
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("another softphone keeps %s locked for %v", path, lockLimit), f.Close())
		default:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
	}
}
