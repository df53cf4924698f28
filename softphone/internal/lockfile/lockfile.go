// Package lockfile is how two softphones of one user keep out of each other's
// way, and how one tells that the other is gone: files that are locked, by
// flock(2), for as long as a process lives. The lock of a process ends with it,
// however that ends, so that nothing depends on a process id, which comes again,
// or on a clock. Packages recall and history use it, from any goroutine.
package lockfile

import "time"

// Limit is how long another softphone may keep a file to itself. It needs some
// ms.
const Limit = 2 * time.Second
