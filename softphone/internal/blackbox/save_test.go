package blackbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"callcenter/codec/pcm"
)

func TestTheNewestTwentyAreKeptAndNothingElseIsTouched(t *testing.T) {
	folder := t.TempDir()
	put := func(name string, age time.Duration) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 25 {
		put(fmt.Sprintf("softphone-20250101-1200%02d-echo.zip", i), time.Duration(100-i)*time.Hour)
	}
	others := []string{"notes.txt", "softphone-echo.zip", "softphone-20250101-120000-echo.zip.bak", "bad call.zip"}
	for _, name := range others {
		put(name, 1000*time.Hour)
	}
	put("softphone-20250101-120000-echo.zip.part", 2*time.Hour)
	put("softphone-20250101-120001-echo.zip.part", time.Minute)
	if err := os.Mkdir(filepath.Join(folder, "softphone-20240101-120000-echo.zip"), 0o700); err != nil {
		t.Fatal(err)
	}

	r := newRig(t, pcm.Codec{})
	r.talk(time.Second)
	shelf := Shelf{Folder: folder}
	saved, err := shelf.Save(r.box, Extra{})
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(folder, "softphone-20250101-1200??-echo.zip"))
	if err != nil || len(left) != Files-1 || !exists(saved.Path) || exists(filepath.Join(folder, "softphone-20250101-120005-echo.zip")) {
		t.Errorf("%d of the old ones are left, error %v: %v", len(left), err, left)
	}
	for _, name := range append(others, "softphone-20250101-120001-echo.zip.part", "softphone-20240101-120000-echo.zip") {
		if !exists(filepath.Join(folder, name)) {
			t.Errorf("%s is gone", name)
		}
	}
	if exists(filepath.Join(folder, "softphone-20250101-120000-echo.zip.part")) {
		t.Error("what a softphone that died had begun is still there")
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, error %v", info.Mode(), err)
	}
}

func TestTwoOfOneSecondHaveTwoNames(t *testing.T) {
	r := newRig(t, pcm.Codec{})
	r.talk(time.Second)
	shelf := Shelf{Folder: t.TempDir()}
	names := map[string]bool{}
	for range 3 {
		saved, err := shelf.Save(r.box, Extra{})
		if err != nil {
			t.Fatal(err)
		}
		names[saved.Path] = true
		if !ours.MatchString(filepath.Base(saved.Path)) {
			t.Errorf("%s is not known for one of ours", saved.Path)
		}
	}
	if len(names) != 3 {
		t.Errorf("the files are %v", names)
	}
}

func TestANameThatAnotherSoftphoneSavesUnderIsTaken(t *testing.T) {
	folder := t.TempDir()
	const name = "softphone-20261126-101530-echo"
	for _, taken := range []string{name + suffix + partSuffix, name + "-2" + suffix} {
		if err := os.WriteFile(filepath.Join(folder, taken), []byte("of another"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shelf := Shelf{Folder: folder}
	path, err := shelf.write(name, []member{{memberScreen, []byte("ours")}}, time.Now())
	if err != nil || filepath.Base(path) != name+"-3"+suffix {
		t.Errorf("it is saved as %s, error %v", path, err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 3 {
		t.Errorf("the folder has %v, error %v", left, err)
	}
}

func TestWhatWasJustSavedStaysWhateverTheClockSays(t *testing.T) {
	folder := t.TempDir()
	for i := range Files + 5 { // by a clock that was put back since
		path := filepath.Join(folder, fmt.Sprintf("softphone-20990101-1200%02d-echo.zip", i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().AddDate(0, 0, i+1)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, pcm.Codec{})
	r.talk(time.Second)
	shelf := Shelf{Folder: folder}
	saved, err := shelf.Save(r.box, Extra{})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != Files || !exists(saved.Path) {
		t.Errorf("%d files are left, that of now %v, error %v", len(left), exists(saved.Path), err)
	}
}

func TestANameIsSafeWhateverWasDialed(t *testing.T) {
	at := time.Date(2026, 11, 26, 10, 15, 30, 0, time.Local)
	for destination, want := range map[string]string{
		"room/support":           "softphone-20261126-101530-room-support",
		"../../etc/passwd":       "softphone-20261126-101530-etc-passwd",
		"Über\x00\n;rm -rf ~":    "softphone-20261126-101530-ber---rm--rf",
		"":                       "softphone-20261126-101530-call",
		strings.Repeat("x", 500): "softphone-20261126-101530-" + strings.Repeat("x", 40),
	} {
		if got := fileName(at, destination); got != want || !ours.MatchString(got+suffix) {
			t.Errorf("%q is saved as %q, want %q", destination, got, want)
		}
	}
}

// fullDisk takes a little and then no more.
type fullDisk struct {
	*os.File
	room int
}

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.Write(b)
}

func TestAFullDiskLeavesNothingBehind(t *testing.T) {
	r := newRig(t, pcm.Codec{})
	r.talk(time.Second)
	folder := t.TempDir()
	shelf := Shelf{Folder: folder, create: func(path string) (writer, error) {
		f, err := os.Create(path)
		return &fullDisk{f, 5000}, err
	}}
	_, err := shelf.Save(r.box, Extra{})
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), folder) {
		t.Errorf("it says %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

func TestOfACallThatNobodyAnsweredThereIsNothingToSave(t *testing.T) {
	r := newRig(t, pcm.Codec{})
	shelf := Shelf{Folder: filepath.Join(t.TempDir(), "x")}
	if _, err := shelf.Save(r.box, Extra{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("it says %v", err)
	}
	if exists(shelf.Folder) {
		t.Error("a folder was made for nothing")
	}
}
