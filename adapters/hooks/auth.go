package hooks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// requestToken returns the secret of a request, "" when there is none: that of
// "Authorization: Bearer", or the password of Basic with any user name.
func requestToken(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(rest)
	}
	_, password, _ := r.BasicAuth()
	return password
}

// delivery is one authenticated request.
type delivery struct {
	in      bot.Integration // the zero one when the path names none that is configured
	keptAs  string          // the integration of its dead letter
	source  alerts.Source
	request alerts.Request
	fault   *fault // the reason when its body cannot be read
}

// authenticate checks a request's token or signature and reads its body. A
// request that is not authenticated gets the same 401, whether or not the
// integration exists and however it authenticates; only then is the name looked
// up.
//
// A signature can be checked only once the body has been read. So that the wait
// for the body shows nothing either, every request without a good token waits
// for it as soon as one integration verifies signatures.
func (h *handler) authenticate(w http.ResponseWriter, r *http.Request, connection *http.ResponseController) (delivery, *refusal) {
	org := h.Organization()
	_, name := splitPath(r)
	in, ok := org.Integration(name)
	source, _ := h.Sources.Find(in.Type)
	got := delivery{in: in, keptAs: in.Name, source: source}
	byToken := source.Verify == nil && h.tokenAccepted(org, in.Name, requestToken(r)) // "" when the integration does not exist
	limit := source.BodyLimit()
	if !byToken {
		limit = h.signedLimit(org)
	}
	switch {
	case limit == 0:
		return got, unauthorized(r, errNoToken)
	case byToken && !ok: // its kind is not known, so neither is its limit
		for _, s := range h.Sources {
			limit = max(limit, s.BodyLimit())
		}
	}
	body, f := readBody(w, r, limit)
	if f == nil { // else the server still has to discard the rest of the body
		_ = connection.SetReadDeadline(time.Time{})
	} else if body = f.letter.Body; !f.isDeadLetter {
		return got, &f.refusal
	}
	got.request = alerts.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body}
	if !byToken {
		if err := h.verify(got); err != nil {
			if f != nil { // a truncated body has another signature
				err = fmt.Errorf("%w; %s", err, f.Message)
			}
			return got, unauthorized(r, err)
		}
		if own := source.BodyLimit(); f == nil && int64(len(body)) > own {
			f = bodyTooLarge(body, own)
		}
	}
	got.fault = f
	if !ok {
		got.keptAs = h.letterName(org, r)
		got.fault = refuseDelivery(got, *unknownIntegration(org), fmt.Sprintf("it came for the integration %s, which is not configured; alerts are sent to /hooks/ and the name of one", got.keptAs))
	}
	return got, nil
}

// errNoToken is the reason when the integration takes tokens, or does not
// exist.
var errNoToken = errors.New("no valid token")

// verify checks the signature of a request.
func (h *handler) verify(got delivery) (err error) {
	if got.source.Verify == nil {
		return errNoToken
	}
	defer func() {
		if p := recover(); p != nil {
			h.logPanic("Verify", got)
			err = errors.New("its verifier failed")
		}
	}()
	secrets := got.in.Tokens
	if len(secrets) == 0 {
		secrets = h.DefaultTokens()
	}
	if err := got.source.Verify(got.request, alerts.NewSecrets(secrets...), h.Now()); err != nil {
		return fmt.Errorf("verify the signature: %w", err)
	}
	return nil
}

// signedLimit is the maximum size of a body that has to be read before its
// sender is known, in bytes: the largest limit of the integrations that verify
// signatures, 0 when there are none.
func (h *handler) signedLimit(org *bot.Organization) int64 {
	var limit int64
	for _, in := range org.Integrations {
		if s, _ := h.Sources.Find(in.Type); s.Verify != nil {
			limit = max(limit, s.BodyLimit())
		}
	}
	return limit
}

// tokenAccepted reports whether a secret is accepted for the integration of
// this name: one of its own, or one of the defaults when it has none of its
// own. An empty name, for an integration that does not exist, accepts any
// secret that is valid for another one: a sender that is authenticated may
// learn which names exist. Every secret is compared, whichever matches (I8:
// tokens per integration).
func (h *handler) tokenAccepted(org *bot.Organization, integration, secret string) bool {
	given := alerts.HashSecret(secret)
	byDefault := alerts.NewSecrets(h.DefaultTokens()...).ContainHash(given)
	own, some, closed := false, byDefault, false
	for _, in := range org.Integrations {
		match := alerts.NewSecrets(in.Tokens...).ContainHash(given)
		some = some || match
		if in.Name == integration {
			own, closed = match, len(in.Tokens) > 0
		}
	}
	switch {
	case integration == "":
		return some
	case closed:
		return own
	}
	return byDefault
}
