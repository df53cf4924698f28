//go:build !linux && !darwin

package wake

import "time"

// Asleep returns what says how far the wall clock is ahead of the monotonic one.
// A wall clock that is set forward by 2 s or more looks like a nap here: the
// call then goes over to a new connection, which is hardly heard, whereas a nap
// that is missed may cost it. One that is set back is no nap. Where the
// monotonic clock goes on in sleep no nap is found.
func Asleep() func() (time.Duration, error) {
	origin := time.Now()
	return func() (time.Duration, error) {
		return between(
			func() (time.Duration, error) { return time.Duration(time.Now().UnixNano()), nil },
			func() (time.Duration, error) { return time.Since(origin), nil })
	}
}
