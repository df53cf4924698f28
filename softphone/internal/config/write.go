package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"callcenter/api/disk"
)

// maxAside is how many old settings files are kept beside the one in use.
const maxAside = 99

// ErrExists is that there is a settings file already.
var ErrExists = errors.New("there is a settings file already")

// Write puts a new settings file at path, whole or not at all, for its owner's
// eyes only; folders that are missing are made. A file that is there is left
// alone, with ErrExists, unless replace is set: then it is moved to aside, whose
// name is its own with .old and, if need be, a number.
func Write(path string, text []byte, replace bool) (aside string, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("look for a settings file: %w", err)
	case !replace:
		return "", fmt.Errorf("%w: %s", ErrExists, path)
	case info.IsDir():
		return "", fmt.Errorf("write settings file %s: it is a folder", path)
	}
	there := err == nil
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a place for the settings file: %w", err)
	}
	if !there {
		// Two that begin a file at once: the first wins.
		switch err := disk.Create(path, disk.OwnerOnly, text); {
		case errors.Is(err, fs.ErrExist):
			return "", fmt.Errorf("%w: %s", ErrExists, path)
		case err != nil:
			return "", fmt.Errorf("write settings file %s: %w", path, err)
		}
		return "", nil
	}
	fresh, err := disk.Beside(path, disk.OwnerOnly, text)
	if err != nil {
		return "", fmt.Errorf("write settings file %s: %w", path, err)
	}
	defer func() {
		if rerr := os.Remove(fresh); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	if aside, err = freeName(path); err != nil {
		return "", err
	}
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("keep the old settings file: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", errors.Join(fmt.Errorf("write settings file: %w", err), os.Rename(aside, path))
	}
	return aside, nil
}

// freeName is where an old settings file is kept.
func freeName(path string) (string, error) {
	name := path + ".old"
	for n := 2; n <= maxAside+1; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		name = path + ".old" + strconv.Itoa(n)
	}
	return "", fmt.Errorf("%d old settings files are kept beside %s already: remove some of them", maxAside, path)
}
