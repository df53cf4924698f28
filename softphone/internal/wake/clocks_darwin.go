package wake

import (
	"time"

	"golang.org/x/sys/unix"
)

// Asleep returns what says how long the computer has slept since it started: by
// CLOCK_MONOTONIC_RAW, which goes on in sleep and which nobody sets, against
// CLOCK_UPTIME_RAW, which does not (clock_gettime(3) of macOS).
func Asleep() func() (time.Duration, error) {
	return func() (time.Duration, error) {
		return between(read(unix.CLOCK_MONOTONIC_RAW), read(unix.CLOCK_UPTIME_RAW))
	}
}

func read(id int32) clock {
	return func() (time.Duration, error) {
		var t unix.Timespec
		err := unix.ClockGettime(id, &t)
		return time.Duration(t.Nano()), err
	}
}
