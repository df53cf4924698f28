package callcenter

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxToken is how long a caller's token may be, in bytes.
const maxToken = 256

// mint makes resume tokens and knows its own again, so that nothing has to be
// remembered of calls that have ended:
//
//	INSTANCE.COUNTER.HMAC-SHA256(key, counter and call_id)
//
// Instance and key are made anew with every process. A token is a secret and
// stays out of logs. Methods are safe for concurrent use.
type mint struct {
	instance string
	key      [sha256.Size]byte
	issued   atomic.Uint64
}

func newMint() *mint {
	m := &mint{instance: rand.Text()}
	_, _ = rand.Read(m.key[:]) // it never fails
	return m
}

// origin is where a token comes from.
type origin int

const (
	foreign origin = iota // another server, another process, or the caller
	ours                  // issued for that call
	forged                // issued for another call, or by nobody
)

// issue returns a new token for a call.
func (m *mint) issue(callID string) string {
	n := m.issued.Add(1)
	return m.instance + "." + strconv.FormatUint(n, 36) + "." + m.seal(callID, n)
}

// origin judges a token that came for a call.
func (m *mint) origin(token, callID string) origin {
	instance, rest, _ := strings.Cut(token, ".")
	if instance != m.instance {
		return foreign
	}
	counter, seal, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(counter, 36, 64)
	if err != nil || !same(seal, m.seal(callID, n)) {
		return forged
	}
	return ours
}

func (m *mint) seal(callID string, n uint64) string {
	h := hmac.New(sha256.New, m.key[:])
	h.Write(binary.BigEndian.AppendUint64(nil, n))
	h.Write([]byte(callID))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// same compares secrets in a time that tells nothing of them. No secret is the
// same as none.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
