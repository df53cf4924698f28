package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"callcenter/api/disk"
)

const (
	// pairDir is the folder of the two files, which appear together: it is renamed
	// into place.
	pairDir  = "tls"
	certName = "certificate.pem"
	keyName  = "key.pem"

	// selfSignedYears is long, as what is trusted is the key and not its date.
	selfSignedYears = 10
	// clockSlack is how much slower than the server's a softphone's clock may be.
	clockSlack = time.Hour
)

// startAnew says what to do about a pair that is broken. It is never replaced by
// itself: softphones refuse a server whose key changed.
func startAnew(stateDir string) string {
	return fmt.Sprintf("put its files back from a copy, or remove %s to have a new key made, which softphones that know the old one refuse",
		filepath.Join(stateDir, pairDir))
}

// ensureSelfSigned returns where a self-signed certificate and its key are, and
// makes them if there are none.
func ensureSelfSigned(stateDir string, names []string) (certFile, keyFile string, made bool, err error) {
	dir := filepath.Join(stateDir, pairDir)
	certFile, keyFile = filepath.Join(dir, certName), filepath.Join(dir, keyName)
	cert, err := exists(certFile)
	if err != nil {
		return "", "", false, explain("certificate", certFile, err)
	}
	key, err := exists(keyFile)
	if err != nil {
		return "", "", false, explain("key", keyFile, err)
	}
	switch {
	case cert && key:
		return certFile, keyFile, false, nil
	case cert != key:
		has, lacks := certName, keyName
		if key {
			has, lacks = lacks, has
		}
		return "", "", false, fmt.Errorf("%s has %s and no %s; %s", dir, has, lacks, startAnew(stateDir))
	}
	made, err = makePair(stateDir, dir, names)
	if err != nil {
		return "", "", false, fmt.Errorf("make a certificate in %s: %w: choose a folder that the server may write to with --state-dir, or give a certificate with --tls-cert and --tls-key", stateDir, err)
	}
	return certFile, keyFile, made, nil
}

// Made reports whether there is a self-signed certificate, or part of one.
func Made(stateDir string) bool {
	entries, _ := os.ReadDir(filepath.Join(stateDir, pairDir)) // what cannot be looked at Open explains
	return len(entries) > 0
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makePair makes both files in a folder beside and renames that. It returns false
// if another server was faster.
func makePair(stateDir, dir string, names []string) (bool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, err
	}
	cert, err := sign(key, names, nil)
	if err != nil {
		return false, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return false, err
	}
	if err = os.MkdirAll(stateDir, 0o700); err != nil {
		return false, err
	}
	fresh, err := os.MkdirTemp(stateDir, "."+pairDir+"-*") // mode 0700
	if err != nil {
		return false, err
	}
	err = errors.Join(
		disk.Create(filepath.Join(fresh, keyName), disk.OwnerOnly, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		disk.Create(filepath.Join(fresh, certName), disk.OwnerOnly, cert))
	if err != nil {
		return false, errors.Join(err, os.RemoveAll(fresh))
	}
	_ = os.Remove(dir) // if it is there, and empty
	if err = os.Rename(fresh, dir); err == nil {
		disk.SyncFolder(stateDir)
		return true, nil
	}
	err = errors.Join(err, os.RemoveAll(fresh))
	if there, _ := exists(filepath.Join(dir, certName)); there {
		return false, nil
	}
	return false, err
}

// sign returns a certificate in PEM for a key, with the names given, or those of
// the certificate that it follows.
func sign(key crypto.Signer, names []string, old *x509.Certificate) ([]byte, error) {
	now := time.Now()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "callcenter server"},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.AddDate(selfSignedYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if old != nil {
		template.DNSNames, template.IPAddresses = old.DNSNames, old.IPAddresses
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// renew replaces the self-signed certificate by one with the same key, so that
// softphones that know it notice nothing, and puts it in force.
func (s *Store) renew() error {
	m := s.current.Load()
	signer, ok := m.config.Certificates[0].PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("its key cannot sign")
	}
	cert, err := sign(signer, nil, m.leaf)
	if err != nil {
		return err
	}
	if err = disk.Replace(s.settings.CertFile, disk.OwnerOnly, cert); err != nil {
		return err
	}
	_, err = s.Reload()
	return err
}
