package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAge is how far a request's time may be from this machine's
// (docs.slack.dev/authentication/verifying-requests-from-slack: five minutes).
const maxAge = 5 * time.Minute

// signature is a request's signature, however it was written.
type signature [sha256.Size]byte

// signatures verifies the signatures of requests, and accepts each once. They are
// remembered for as long as they could be accepted, by this process: a repeat that
// comes to another is known there by its operation.
type signatures struct {
	secret string // "": no request is accepted
	now    func() time.Time

	mu    sync.Mutex
	seen  map[signature]bool
	order []seenSignature // oldest first
}

type seenSignature struct {
	sum   signature
	until time.Time
}

func newSignatures(secret string, now func() time.Time) *signatures {
	return &signatures{secret: secret, now: now, seen: map[signature]bool{}}
}

// verify checks a request's signature: of its time and its raw body, by the
// secret that the app shares with Slack. The same signature is accepted once.
func (s *signatures) verify(h http.Header, body []byte) (sum signature, err error) {
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return sum, errors.New("it has no time")
	}
	now := s.now()
	if age := now.Sub(time.Unix(seconds, 0)); age > maxAge || age < -maxAge {
		return sum, errors.New("its time is more than five minutes from ours; is this clock right?")
	}
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	mac.Sum(sum[:0])
	given, ok := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	claimed, err := hex.DecodeString(given)
	if !ok || err != nil || !hmac.Equal(claimed, sum[:]) {
		return sum, errors.New("its signature is not Slack's; is SLACK_SIGNING_SECRET this app's?")
	}
	if !s.add(sum, now) {
		return sum, errors.New("it has come before")
	}
	return sum, nil
}

// add remembers a signature, and reports whether it had not come before.
func (s *signatures) add(sum signature, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && now.After(s.order[0].until) {
		delete(s.seen, s.order[0].sum)
		s.order = s.order[1:]
	}
	if s.seen[sum] {
		return false
	}
	s.seen[sum] = true
	s.order = append(s.order, seenSignature{sum: sum, until: now.Add(2*maxAge + time.Second)}) // its time may be ahead of ours
	return true
}

// forget has a signature accepted once more.
func (s *signatures) forget(sum signature) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, sum)
}
