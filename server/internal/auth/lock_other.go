//go:build !unix

package auth

import (
	"errors"
	"fmt"
)

// lock lets one process at a time change the folder, which cannot be had here.
func lock(string) (unlock func(), err error) {
	return nil, fmt.Errorf("lock the token keys' folder: %w on this system: revoke on another machine and copy the list", errors.ErrUnsupported)
}
