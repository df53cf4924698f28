// Package file plays WAV files as an audio.Source and records into them as an
// audio.Sink: "file:PATH" as a microphone or a headset.
//
// The Reader takes PCM of 8, 16, 24 and 32 bits and floats of 32 and 64, at 1
// to 384 kHz and 1 to 32 channels, and gives 48 kHz mono: the mean of the
// channels, resampled. It streams from the disk through a buffer of 64 KiB, so
// that an hour-long file opens at once and takes no memory; what a slow disk
// costs is a late period, which the pacer catches up. The Writer makes 48 kHz
// mono 16-bit PCM with a plain header of 44 bytes.
//
// Each is for one goroutine, except for the methods that say otherwise. Errors
// are one line that says what is wrong with which file and what to do; those
// about what is in a file wrap ErrFormat.
package file

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrFormat marks a file that is no WAV file, is broken, or holds audio of a
// kind that is not supported.
var ErrFormat = errors.New("not a usable WAV file")

// pathError says that a file could not be opened, and what to do.
func pathError(verb, path string, err error) error {
	advice := "check the path"
	if errors.Is(err, fs.ErrPermission) {
		advice = "check who may use it"
	}
	// Without the name of the system call and a second copy of the path.
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("%s WAV file %q: %w; %s", verb, path, err, advice)
}
