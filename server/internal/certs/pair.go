package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"callcenter/api/disk"
)

// maxFile is how large a file may be: a bundle of all the world's authorities is
// a quarter of that.
const maxFile = 1 << 20

// Whoever may write to the key can be the server, so nobody else may.
const (
	othersMayWrite fs.FileMode = 0o022
	allMayRead     fs.FileMode = 0o004
)

// readPair reads a chain and its key. It returns, too, what is unwise about them.
func readPair(certFile, keyFile string) (tls.Certificate, []string, error) {
	chain, err := readFile("certificate", certFile)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	key, err := readFile("key", keyFile)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	cautions, err := checkKeyMode(keyFile)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	cert, err := parsePair(chain, key, certFile, keyFile)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	if l := cert.Leaf; len(l.DNSNames)+len(l.IPAddresses) == 0 {
		cautions = append(cautions, fmt.Sprintf("certificate %s names no host or address: softphones that verify it refuse it", certFile))
	}
	if !forServers(cert.Leaf) {
		cautions = append(cautions, fmt.Sprintf("certificate %s is not for servers (serverAuth): softphones that verify it refuse it", certFile))
	}
	return cert, cautions, nil
}

// parsePair says which of the two files is wrong, and nothing of what is in the key's.
func parsePair(chain, key []byte, certFile, keyFile string) (tls.Certificate, error) {
	none := tls.Certificate{}
	first := block(chain, "CERTIFICATE")
	if first == nil {
		return none, fmt.Errorf("certificate %s has no PEM block CERTIFICATE in it", certFile)
	}
	if _, err := x509.ParseCertificate(first.Bytes); err != nil {
		return none, fmt.Errorf("certificate %s cannot be read: %w", certFile, err)
	}
	switch b := block(key, "PRIVATE KEY"); {
	case b == nil:
		return none, fmt.Errorf("key %s has no PEM block PRIVATE KEY in it", keyFile)
	case b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "":
		return none, fmt.Errorf("key %s is encrypted: give one without a passphrase, readable by the server alone", keyFile)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return none, fmt.Errorf("key %s is not that of certificate %s, which must come first in its file: %w", keyFile, certFile, err)
	}
	return cert, nil
}

// block returns the first PEM block whose type ends so, nil if there is none.
func block(text []byte, suffix string) *pem.Block {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil || strings.HasSuffix(b.Type, suffix) {
			return b
		}
	}
}

func forServers(leaf *x509.Certificate) bool {
	return len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 ||
		slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// checkKeyMode refuses a key that others may write, and cautions against one that
// everybody may read. That its group may read it is how some share it.
func checkKeyMode(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, explain("key", path, err)
	case info.Mode()&othersMayWrite != 0:
		return nil, fmt.Errorf("key %s can be written by others (mode %04o): chmod 600 it, or whoever they are can be this server", path, info.Mode().Perm())
	case info.Mode()&allMayRead != 0:
		return []string{fmt.Sprintf("key %s can be read by everybody on this machine (mode %04o): chmod 600 it", path, info.Mode().Perm())}, nil
	}
	return nil, nil
}

// readFile reads a file of bounded size; what says what it is.
func readFile(what, path string) ([]byte, error) {
	text, err := disk.Read(path, maxFile)
	if err != nil {
		return nil, explain(what, path, err)
	}
	return text, nil
}

// explain says what to do about a file that cannot be had.
func explain(what, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %s: there is no such file", what, path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s %s: the server may not read it: let the user that it runs as read it", what, path)
	}
	return fmt.Errorf("%s %s: %w", what, path, disk.Cause(err))
}
