package lockfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/softphone/internal/lockfile"
)

func TestOneKeepsOthersAwayUntilItUnlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockfile.Wait(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Wait(path); err == nil || !strings.Contains(err.Error(), "another softphone keeps "+path+" locked") {
		t.Errorf("a second lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := lockfile.Wait(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
}

func TestASignOfLifeIsHeldUntilItIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "life")
	if lockfile.Held(path) {
		t.Error("what is not there is held")
	}
	release, err := lockfile.Hold(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // to look changes nothing
		if !lockfile.Held(path) {
			t.Error("it is not held")
		}
	}
	if _, err := lockfile.Hold(path); err == nil {
		t.Error("two hold it")
	}
	if err := release(); err != nil || lockfile.Held(path) {
		t.Errorf("it is held after its end, %v", err)
	}
	// As of a process that died, whose file stays.
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if lockfile.Held(path) {
		t.Error("a file that nobody locks is held")
	}
}
