//go:build linux && !race

package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
)

// slack is how late timers of the softphone may be; the pair's may be, too, or it
// would pay for a runtime that looks around more often than the softphone's.
const slack = 2 * time.Millisecond

// pair copies a microphone to an earpiece until it is told to end: a period at
// a time, as it comes, and nothing else.
func pair() int {
	if err := errors.Join(relax(), copyPeriods()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// relax begins this process again with that slack, which threads have from the
// first one on.
func relax() error {
	const relaxed = "DESK_RELAXED"
	if os.Getenv(relaxed) != "" {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), relaxed+"=1"))
}

func copyPeriods() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clock := audio.NewClock()
	capture, playback := port.NewCapture(clock), port.NewPlayback(clock)
	mic, err := device.OpenCapture(ctx, device.Config{Period: period}, capture)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mic.Close()) }()
	ear, err := device.OpenPlayback(ctx, device.Config{Period: period}, playback)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ear.Close()) }()
	pcm := make([]int16, audio.PeriodSamples)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-capture.Ready():
		}
		for {
			if _, ok := capture.Read(pcm); !ok {
				break
			}
			playback.Write(pcm)
		}
	}
}
