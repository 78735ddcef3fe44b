package alerts

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"
)

// defaultMaxBody is how many bytes a body may have where the source does not
// say (rule I9).
const defaultMaxBody = 1 << 20

// Source is one kind of alert sender: how its requests are authenticated and
// read. Limits, token authentication and dead letters are the same for all of
// them and are no part of it. Its functions are safe for concurrent use and do
// not change the request.
type Source struct {
	// Type names the source in the configuration, as an integration's type.
	Type string
	// MaxBody is how many bytes a body may have once it is decompressed; 0 is
	// 1 MiB.
	MaxBody int64
	// Verify authenticates a request by what its sender signs (rule I8). nil is
	// for senders that can only send a token: the integration's token, as Bearer
	// or as the password of Basic, then decides. Where Verify is set it decides
	// alone: a token does not replace the signature. It must
	//   - compare in constant time, and with every live secret: see [Secrets.Any];
	//   - fail when there is no secret, unless it needs none;
	//   - refuse a timestamp that is too far from now, where the sender signs one.
	// The error goes to the log only, so it must not repeat a secret or anything
	// from the request. The sender is told no more than that it was refused.
	Verify func(r Request, secrets Secrets, now time.Time) error
	// Decode reads the alerts of a request, in its order. It is pure. An error
	// says where in the body it stopped, and is shown to the sender. A request
	// that failed is kept as a dead letter, and of that only the body: when it is
	// replayed there is no query and no header.
	Decode func(r Request) ([]Alert, error)
}

// BodyLimit is how many bytes a body may have once it is decompressed.
func (s Source) BodyLimit() int64 { return cmp.Or(s.MaxBody, defaultMaxBody) }

// Request is what a sender posted.
type Request struct {
	Method string
	Query  map[string][]string
	Header map[string][]string // by canonical name, as in "X-Hub-Signature-256"
	Body   []byte              // decompressed
}

// Secrets are the live secrets of one integration: one, or two while they are
// rotated. An empty secret matches nothing.
type Secrets struct{ live []string }

// NewSecrets returns these secrets. An empty one, such as that of a variable
// which is not set, is passed over.
func NewSecrets(live ...string) Secrets { return Secrets{live} }

// Any reports whether check accepts one of the secrets. It asks about every
// one, so that the time it takes does not say which of them matched.
func (s Secrets) Any(check func(secret string) bool) bool {
	found := false
	for _, secret := range s.live {
		if secret != "" && check(secret) {
			found = true
		}
	}
	return found
}

// Contain reports whether given is one of the secrets, in constant time: each
// is compared as its hash, so that not even its length shows.
func (s Secrets) Contain(given string) bool {
	sum := sha256.Sum256([]byte(given))
	return s.Any(func(secret string) bool {
		own := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(sum[:], own[:]) == 1
	})
}

// String hides the secrets: they must not reach a log or an error (rule P4).
func (Secrets) String() string { return "(secrets)" }

// Sources is the table of the sources that exist.
type Sources []Source

// Find returns the source of a type.
func (s Sources) Find(kind string) (Source, bool) {
	n := slices.IndexFunc(s, func(one Source) bool { return one.Type == kind })
	if n < 0 {
		return Source{}, false
	}
	return s[n], true
}
