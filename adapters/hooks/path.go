package hooks

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// Match reports whether a request is for the handler of [New]: its path begins with
// /hooks, in any case and with any number of slashes. It must be asked before an
// [http.ServeMux], which redirects a path such as //hooks/prod: not every sender follows
// that, and not with its alerts.
func Match(r *http.Request) bool {
	first, _ := splitPath(r)
	return first == "hooks"
}

// splitPath returns the first two parts of a request's path, in lower case and without
// white space around them. The second is the name of an integration; names are lower
// case.
func splitPath(r *http.Request) (first, second string) {
	clean := strings.Trim(path.Clean("/"+strings.ToLower(r.URL.Path)), "/")
	first, rest, _ := strings.Cut(clean, "/")
	second, _, _ = strings.Cut(rest, "/")
	trim := func(part string) string {
		return strings.TrimFunc(part, func(c rune) bool { return unicode.IsSpace(c) || unicode.In(c, unicode.C) })
	}
	return trim(first), trim(second)
}

// letterName returns under which integration a delivery is kept: the one that the path
// names, although it may not be configured, so that the delivery can be replayed once it
// is. A part of a path that cannot be a name, or that is a secret, is "unknown" (P4:
// secrets are never shown).
func (h *handler) letterName(org *bot.Organization, r *http.Request) string {
	_, name := splitPath(r)
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	if name == "" || len(name) > 40 || strings.Trim(name, letters) != "" {
		return "unknown"
	}
	secrets := slices.Clone(h.DefaultTokens())
	for _, in := range org.Integrations {
		secrets = append(secrets, in.Tokens...)
	}
	for _, secret := range secrets {
		if alerts.NewSecrets(strings.ToLower(secret)).Contain(name) {
			return "unknown"
		}
	}
	return name
}

// methodOf says what a request's method means here.
type methodOf int

const (
	delivers     methodOf = iota // its body holds alerts
	mayHaveLost                  // it is refused, and kept when its sender is authenticated
	holdsNothing                 // it is refused
)

// classify returns what a method means. PUT and PATCH are taken for POST: an alert is
// worth more than the right word.
func classify(method string) methodOf {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return delivers
	case http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return holdsNothing
	}
	return mayHaveLost
}

// wrongMethod answers a request that is not a delivery.
func wrongMethod() refusal {
	return refusal{
		status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "alerts are sent with POST",
		Hint: "when the sender does that, a redirect on the way made GET of it: configure the address that it redirects to",
	}
}
