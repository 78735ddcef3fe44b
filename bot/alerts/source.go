package alerts

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"
)

// defaultMaxBody is the maximum size of a body of a source without MaxBody, in
// bytes.
const defaultMaxBody = 1 << 20

// Source is one kind of alert sender: how its requests are authenticated and
// decoded. Limits, token authentication and dead letters are the same for all
// sources and are not part of it. Its functions are safe for concurrent use and
// do not change the request.
type Source struct {
	// Type names the source in the configuration, as an integration's type.
	Type string
	// MaxBody is the maximum size of a decompressed body in bytes; 0: 1 MiB.
	MaxBody int64
	// Verify authenticates a request by its signature. It is nil for senders
	// that can only send a token: then the integration's token, as Bearer or as
	// the password of Basic, decides. Where Verify is set, a token does not
	// replace the signature. It must
	//   - compare in constant time, and with every secret: see [Secrets.Any];
	//   - fail when there is no secret, unless it needs none;
	//   - refuse a timestamp that is too far from now, if the sender signs one.
	//
	// The error goes to the log only, so it must not contain a secret or a part
	// of the request. The sender learns only that it was refused.
	Verify func(r Request, secrets Secrets, now time.Time) error
	// Decode returns the alerts of a request, in its order. It is pure. An
	// error says where in the body it stopped, and is shown to the sender. The
	// body of a request that cannot be decoded is kept as a dead letter; when
	// it is replayed there is no query and no header.
	Decode func(r Request) ([]Alert, error)
}

// BodyLimit returns the maximum size of a decompressed body, in bytes.
func (s Source) BodyLimit() int64 { return cmp.Or(s.MaxBody, defaultMaxBody) }

// Request is what a sender posted.
type Request struct {
	Method string
	Query  map[string][]string
	Header map[string][]string // by canonical name, as in "X-Hub-Signature-256"
	Body   []byte              // decompressed
}

// Secrets are the valid secrets of one integration: one, or two during a
// rotation. An empty secret matches nothing.
type Secrets struct{ live []string }

// NewSecrets returns these secrets. An empty one, such as that of a variable
// which is not set, is ignored.
func NewSecrets(live ...string) Secrets { return Secrets{live} }

// Any reports whether check accepts one of the secrets. It checks all of them,
// so that the time it takes does not show which one matched.
func (s Secrets) Any(check func(secret string) bool) bool {
	found := false
	for _, secret := range s.live {
		if secret != "" && check(secret) {
			found = true
		}
	}
	return found
}

// Contain reports whether given is one of the secrets. It compares hashes in
// constant time, so that not even the length shows.
func (s Secrets) Contain(given string) bool { return s.ContainHash(HashSecret(given)) }

// SecretHash is the hash of a secret that was given.
type SecretHash [sha256.Size]byte

// HashSecret hashes a secret that is compared with those of many integrations.
func HashSecret(given string) SecretHash { return sha256.Sum256([]byte(given)) }

// ContainHash is Contain for a secret that has been hashed already.
func (s Secrets) ContainHash(given SecretHash) bool {
	return s.Any(func(secret string) bool {
		own := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(given[:], own[:]) == 1
	})
}

// String hides the secrets, which must not reach a log or an error (P4: secrets
// are never shown).
func (Secrets) String() string { return "(secrets)" }

// Sources is the table of all sources.
type Sources []Source

// Find returns the source of a type.
func (s Sources) Find(kind string) (Source, bool) {
	n := slices.IndexFunc(s, func(one Source) bool { return one.Type == kind })
	if n < 0 {
		return Source{}, false
	}
	return s[n], true
}
