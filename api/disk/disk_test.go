package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"callcenter/api/disk"
)

func TestOnlyFilesOfBoundedSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("12345678"), 0o600), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{path, link} {
		if b, err := disk.Read(one, 8); err != nil || string(b) != "12345678" {
			t.Errorf("%s: %q, %v", one, b, err)
		}
	}
	b, err := disk.Read(path, 7)
	if string(b) != "1234567" || !errors.Is(err, disk.ErrTooLarge) || !strings.Contains(err.Error(), path+": it is larger than 7 bytes") {
		t.Errorf("of a larger one: %q, %v", b, err)
	}
	if b, err := disk.Read(dir, 8); b != nil || err == nil || disk.Cause(err).Error() != "it is no regular file" {
		t.Errorf("of a folder: %q, %v", b, err)
	}
	if _, err := disk.Read(filepath.Join(dir, "b"), 8); !errors.Is(err, fs.ErrNotExist) || strings.Contains(disk.Cause(err).Error(), dir) {
		t.Errorf("of none: %v", err)
	}
}

func TestAPipeIsReadOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := w.WriteString("12345678"); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if b, err := disk.Read(path, 8); b != nil || err == nil || disk.Cause(err).Error() != "it is no regular file" {
		t.Errorf("as a file: %q, %v", b, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := disk.ReadOnce(path, 8); err != nil || string(b) != "12345678" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := disk.ReadOnce(t.TempDir(), 8); b != nil || err == nil {
		t.Errorf("of a folder: %q, %v", b, err)
	}
}

// names are what a folder holds.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestAFileIsCreatedOnceAndReplacedAlways(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := disk.Create(path, 0o644, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := disk.Create(path, 0o644, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created again: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "one" {
		t.Errorf("%q, %v", b, err)
	}
	if err := disk.Replace(path, disk.OwnerOnly, []byte("three")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if b, rerr := os.ReadFile(path); err != nil || rerr != nil || string(b) != "three" || info.Mode() != disk.OwnerOnly {
		t.Errorf("%q of mode %v: %v, %v", b, info.Mode(), err, rerr)
	}
	// What cannot be written leaves nothing behind, and what was there as it was.
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "in it"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := disk.Replace(folder, disk.OwnerOnly, nil); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in the place of a folder: %v", err)
	}
	if err := disk.Create(filepath.Join(dir, "no folder", "a"), disk.OwnerOnly, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where no folder is: %v", err)
	}
	if all := names(t, dir); len(all) != 2 {
		t.Errorf("the folder holds %v", all)
	}
}

// Whoever reads while others write finds one of what they wrote, whole; of those
// that create a file one does.
func TestAFileIsWholeForWhoeverLooks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	text := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d", n), 100_000) }
	var writers, readers sync.WaitGroup
	var made atomic.Int32
	for n := range 4 {
		writers.Go(func() {
			switch err := disk.Create(path, disk.OwnerOnly, text(n)); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
			for range 5 {
				if err := disk.Replace(path, disk.OwnerOnly, text(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	readers.Go(func() {
		for {
			b, err := disk.Read(path, 200_000)
			if err == nil && (len(b) != 100_000 || bytes.Count(b, b[:1]) != len(b)) || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	writers.Wait()
	close(done)
	readers.Wait()
	if made.Load() != 1 {
		t.Errorf("%d created it", made.Load())
	}
	if all := names(t, dir); len(all) != 1 {
		t.Errorf("the folder holds %v", all)
	}
}

func TestWhatChangedIsSeenFromOutside(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string) func() error {
		return func() error { return disk.Replace(path, disk.OwnerOnly, []byte(text)) }
	}
	was := disk.Look(a, b)
	for _, step := range []struct {
		name   string
		do     func() error
		change bool
	}{
		{"nothing", func() error { return nil }, false},
		{"a file", write(a, "x"), true},
		{"the same again", write(a, "x"), true},
		{"nothing more", func() error { return nil }, false},
		{"who may read it", func() error { return os.Chmod(a, 0o644) }, true},
		{"its name", func() error { return os.Rename(a, b) }, true},
		{"it is gone", func() error { return os.Remove(b) }, true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		is := disk.Look(a, b)
		if was.Same(is) == step.change || !is.Same(is) {
			t.Errorf("%s: changed is not %v", step.name, step.change)
		}
		was = is
	}
	if disk.Look(a).Same(disk.Look(b)) || disk.Look(a).Same(disk.Look(a, b)) {
		t.Error("other files are the same")
	}
}
