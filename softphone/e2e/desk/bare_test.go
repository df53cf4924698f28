//go:build linux && !race

package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
)

// pair copies a microphone to an earpiece until it is told to end: a period at
// a time, as it comes, and nothing else.
func pair() int {
	if err := copyPeriods(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
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
