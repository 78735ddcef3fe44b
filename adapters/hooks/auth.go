package hooks

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"tocsin/bot"
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

// admits reports whether a secret opens the integration of this name: it must
// be one of its own, or one of the defaults when it has none of its own. With
// no name, for an integration that does not exist, any live secret will do: who
// may send something here may know what there is, and nobody else.
//
// Every live secret is compared in constant time, each as its hash, whichever
// matches: the time it takes says nothing of them (rule I8).
func (d *door) admits(org *bot.Organization, integration, secret string) bool {
	if secret == "" {
		return false
	}
	given := sha256.Sum256([]byte(secret))
	matches := func(tokens []string) bool {
		found := 0
		for _, t := range tokens {
			sum := sha256.Sum256([]byte(t))
			found |= subtle.ConstantTimeCompare(given[:], sum[:])
		}
		return found == 1
	}
	byDefault := matches(d.DefaultTokens())
	own, some, closed := false, byDefault, false
	for _, in := range org.Integrations {
		match := matches(in.Tokens)
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
