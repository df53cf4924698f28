package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"callcenter/api/disk"
)

const (
	publicSuffix  = ".pub"
	privateSuffix = ".key"
	// maxKeys is how many keys a folder may hold, maxKeyFile how large a file of
	// one may be, in bytes.
	maxKeys    = 100
	maxKeyFile = 16 << 10

	// Of the files: whoever may read the folder may read public keys.
	publicMode  = 0o644
	allMayWrite = 0o002
)

// errFolder is of a folder that cannot be had, with all that is in it.
var errFolder = errors.New("read the token keys' folder")

var keyIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func isKeyID(s string) bool { return keyIDs.MatchString(s) }

// CheckKeyID reports a name that no key may have.
func CheckKeyID(s string) error {
	if !isKeyID(s) {
		return fmt.Errorf("%.80q is no name of a key: it is 1 to 64 of A-Z a-z 0-9 . _ -", s)
	}
	return nil
}

// readKeys returns the public keys in a folder by their ids.
func readKeys(dir string) (map[string]ed25519.PublicKey, error) {
	ids, err := list(dir, publicSuffix)
	if err != nil {
		return nil, err
	}
	if err := checkWriters(dir); err != nil {
		return nil, err
	}
	keys := make(map[string]ed25519.PublicKey, len(ids))
	var wrong []error
	for _, id := range ids {
		key, err := readPublic(filepath.Join(dir, id+publicSuffix))
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		keys[id] = key
	}
	return keys, errors.Join(wrong...)
}

// list returns what is before the suffix in the names of a folder's files.
func list(dir, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w: name another, or let `server token create` make it", errFolder, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	var ids []string
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		if err := CheckKeyID(id); err != nil {
			return nil, fmt.Errorf("%s: %w: rename the file", filepath.Join(dir, e.Name()), err)
		}
		ids = append(ids, id)
	}
	if len(ids) > maxKeys {
		return nil, fmt.Errorf("%s holds %d keys, at most %d are allowed: remove those that are not used", dir, len(ids), maxKeys)
	}
	return ids, nil
}

// checkWriters refuses a folder or a file of public keys that everybody may write.
// Windows says that of every folder.
func checkWriters(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&allMayWrite != 0 && runtime.GOOS != "windows" {
		err = fmt.Errorf("%s can be written by everybody on this machine (mode %04o), who can then make tokens: chmod o-w it, and look at the keys there", path, info.Mode().Perm())
	}
	return err
}

func readPublic(path string) (ed25519.PublicKey, error) {
	if err := checkWriters(path); err != nil {
		return nil, err
	}
	der, err := readPEM(path, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no Ed25519 public key: make one with server token create", path)
	}
	return key, nil
}

func readPrivate(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be used by others (mode %04o), who can then make tokens: chmod 600 it, and think of a new key", path, info.Mode().Perm())
	}
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no Ed25519 private key: restore it, or make another key with --key", path)
	}
	return key, nil
}

// readPEM returns the one block of a file.
func readPEM(path, kind string) ([]byte, error) {
	b, err := disk.Read(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("%s is not one PEM block %q: restore it, or remove it", path, kind)
	}
	return block.Bytes, nil
}

// makePair makes a key: first what signs, so that no key is taken that nobody can
// sign with. Files that are there already stay as they are.
func makePair(dir, id string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	if err := disk.Create(filepath.Join(dir, id+privateSuffix), disk.OwnerOnly, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, err
	}
	return private, publish(dir, id, private)
}

// publish writes the public half of a key where it is not there, and else checks
// that it is.
func publish(dir, id string, private ed25519.PrivateKey) error {
	path := filepath.Join(dir, id+publicSuffix)
	public := private.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	err = disk.Create(path, publicMode, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	there, err := readPublic(path)
	if err == nil && !public.Equal(there) {
		err = fmt.Errorf("%s is of another key than %s%s beside it: remove the wrong one", path, id, privateSuffix)
	}
	return err
}

// WriteToken writes a token into a file that only its owner may read, whole or not
// at all. One that is there is replaced.
func WriteToken(path, token string) error {
	if err := disk.Replace(path, disk.OwnerOnly, []byte(token+"\n")); err != nil {
		return fmt.Errorf("write the token: %w", err)
	}
	return nil
}
