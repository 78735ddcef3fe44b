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

// token returns the secret of a request, "" when there is none: that of
// "Authorization: Bearer", or the password of Basic, whatever the user's name.
func token(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(rest)
	}
	_, password, _ := r.BasicAuth()
	return password
}

// A delivery is one authenticated request.
type delivery struct {
	in      bot.Integration
	source  alerts.Source
	request alerts.Request
	fault   *fault // why it cannot be read
}

// open authenticates a request and reads it. Whoever cannot authenticate gets
// the same 401, whether or not the integration exists and however it
// authenticates; only then is the name looked at.
//
// A signature can be checked only once the body is there. So that the wait for
// it tells nothing either, every request without a good token waits for its
// body as soon as one integration verifies signatures.
func (d *door) open(w http.ResponseWriter, r *http.Request, connection *http.ResponseController) (delivery, *refusal) {
	org := d.Organization()
	in, known := org.Integration(r.PathValue("integration"))
	source, _ := d.Sources.Find(in.Type)
	got := delivery{in: in, source: source}
	byToken := source.Verify == nil && d.admits(org, in.Name, token(r)) // "" is nobody's name
	limit := source.BodyLimit()
	if !byToken {
		limit = d.signedLimit(org)
	}
	switch {
	case limit == 0:
		return got, unauthorized(r, errNoToken)
	case byToken && !known:
		return got, unknown(org)
	}
	body, f := read(w, r, limit)
	if f == nil { // else the server still has the rest of the body to drop
		_ = connection.SetReadDeadline(time.Time{})
	} else if body = f.body; !f.dead {
		return got, &f.refusal
	}
	got.request = alerts.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body}
	if !byToken {
		if err := d.verify(got); err != nil {
			if f != nil { // a body that is cut has another signature
				err = fmt.Errorf("%w; %s", err, f.Message)
			}
			return got, unauthorized(r, err)
		}
		if own := source.BodyLimit(); f == nil && int64(len(body)) > own {
			f = oversize(head(body), own)
		}
	}
	got.fault = f
	return got, nil
}

// errNoToken is why a request is refused whose integration takes tokens, or
// does not exist.
var errNoToken = errors.New("no good token")

// verify reports why a request is not authenticated by its signature.
func (d *door) verify(got delivery) (err error) {
	if got.source.Verify == nil {
		return errNoToken
	}
	defer func() {
		if p := recover(); p != nil {
			d.panicked("Verify", got)
			err = errors.New("its verifier failed")
		}
	}()
	secrets := got.in.Tokens
	if len(secrets) == 0 {
		secrets = d.DefaultTokens()
	}
	if err := got.source.Verify(got.request, alerts.NewSecrets(secrets...), d.Now()); err != nil {
		return fmt.Errorf("verify the signature: %w", err)
	}
	return nil
}

// signedLimit is how long a body may be that has to be read before its sender
// is known: the longest that an integration with signatures takes, 0 when there
// is none.
func (d *door) signedLimit(org *bot.Organization) int64 {
	var limit int64
	for _, in := range org.Integrations {
		if s, _ := d.Sources.Find(in.Type); s.Verify != nil {
			limit = max(limit, s.BodyLimit())
		}
	}
	return limit
}

// admits reports whether a secret opens the integration of this name: it must
// be one of its own, or one of the defaults when it has none of its own. With
// no name, for an integration that does not exist, any live secret will do: who
// may send something here may know what there is, and nobody else. Every secret
// is compared, whichever matches (rule I8).
func (d *door) admits(org *bot.Organization, integration, secret string) bool {
	byDefault := alerts.NewSecrets(d.DefaultTokens()...).Contain(secret)
	own, some, closed := false, byDefault, false
	for _, in := range org.Integrations {
		match := alerts.NewSecrets(in.Tokens...).Contain(secret)
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
