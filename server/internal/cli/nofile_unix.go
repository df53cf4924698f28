//go:build unix

package cli

import "syscall"

// openFiles is how many files this process may have open at a time.
func openFiles() (limit uint64, known bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true //nolint:unconvert // its type is another on some systems
}
