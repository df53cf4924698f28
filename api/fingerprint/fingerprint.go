// Package fingerprint names a server's key in a few characters that people can
// compare: what the server prints when it starts, and what a softphone remembers
// of it. Both programs use it; it keeps no state.
//
// It is that of the public key, not of the certificate around it: a certificate
// that is renewed with the same key keeps it.
package fingerprint

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
)

const prefix = "SHA256:"

// Of returns "SHA256:" and the hash of the certificate's public key (its
// SubjectPublicKeyInfo, as in RFC 7469) in 43 characters of base64.
func Of(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return prefix + base64.RawStdEncoding.EncodeToString(sum[:])
}

// Check returns an error that says what is wrong with a fingerprint that somebody
// typed, nil if nothing is.
func Check(s string) error {
	text, ok := strings.CutPrefix(s, prefix)
	if sum, err := base64.RawStdEncoding.DecodeString(text); !ok || err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%.64q is no fingerprint: it is %s and 43 characters, as the server prints it", s, prefix)
	}
	return nil
}

// Same reports that two fingerprints are of one key.
func Same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
