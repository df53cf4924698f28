package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASettingsFileIsForItsOwnerAndNeverLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "config.toml")
	if aside, err := Write(path, []byte("one"), false); err != nil || aside != "" {
		t.Fatalf("the first: %q, %v", aside, err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, dir: 0o700 | os.ModeDir} {
		info, err := os.Stat(name)
		if err != nil || info.Mode() != want {
			t.Errorf("%s is %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := Write(path, []byte("two"), false); !errors.Is(err, ErrExists) || content(t, path) != "one" {
		t.Errorf("a second: %v, and the file is %q", err, content(t, path))
	}
	for i, want := range []string{".old", ".old2", ".old3"} {
		before := content(t, path)
		aside, err := Write(path, []byte{byte('a' + i)}, true)
		if err != nil || aside != path+want || content(t, aside) != before || content(t, path) != string(rune('a'+i)) {
			t.Errorf("another: %q, %v", aside, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestOldSettingsFilesHaveAnEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	for range maxAside + 1 {
		if _, err := Write(path, nil, true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(path, []byte("x"), true); err == nil || !strings.Contains(err.Error(), "remove some") || content(t, path) != "" {
		t.Errorf("one too many: %v", err)
	}
}

func TestASettingsFileIsNoFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := Write(dir, nil, true); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if _, err := Write(file, nil, false); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(filepath.Join(file, "config.toml"), nil, false); err == nil {
		t.Error("a file is taken for a folder")
	}
}
