package trust

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"callcenter/api/disk"
)

// maxPEM is how much of a PEM file is read, in bytes.
const maxPEM = 1 << 20

// LoadCA reads the authorities of a PEM file.
func LoadCA(path string) (*x509.CertPool, error) {
	raw, err := disk.ReadOnce(path, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("ca: %s holds no certificate in PEM form", path)
	}
	return pool, nil
}

// CertificateError is that this softphone's own certificate or its key is no use.
type CertificateError struct{ text string }

func (e *CertificateError) Error() string { return e.text }

// LoadCertificate reads who this softphone is. Its error, a *CertificateError,
// says nothing of what is in the files.
func LoadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := disk.Read(certFile, maxPEM)
	if err != nil {
		return nil, &CertificateError{"tls-cert: " + err.Error()}
	}
	key, err := disk.Read(keyFile, maxPEM)
	if err != nil {
		return nil, &CertificateError{"tls-key: " + err.Error()}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, &CertificateError{fmt.Sprintf("tls-cert %s and tls-key %s are no certificate and its key in PEM form (%s)", certFile, keyFile, clean(err.Error()))}
	}
	return &pair, nil
}
