package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/commands"
)

// A caller is whoever asks: the speaker that the record names, and the token
// that opened the door.
type caller struct {
	access.Speaker
	token bot.Token
}

// admit finds out who asks.
func (s *server) admit(r *http.Request) (caller, *problem) {
	token, ok := s.find(bearer(r))
	if !ok {
		return caller{}, unauthorized(r)
	}
	who := caller{token: token}
	if who.Speaker, ok = s.speaker(token.As, token); !ok {
		return caller{}, &problem{
			status: http.StatusForbidden, Code: "forbidden",
			Message: fmt.Sprintf("the token %s acts for %s, and nobody is called that any more", token.Name, token.As),
			Hint:    "correct the token's `as` in the configuration",
		}
	}
	return who, nil
}

// bearer returns the secret of a request, "" when there is none.
func bearer(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(rest)
}

// find compares every live secret in constant time, each as its hash, whichever
// matches: the time it takes says nothing of them.
func (s *server) find(secret string) (bot.Token, bool) {
	given := sha256.Sum256([]byte(secret))
	var found bot.Token
	ok := false
	for _, t := range s.Tokens() {
		sum := sha256.Sum256([]byte(t.Secret))
		if subtle.ConstantTimeCompare(given[:], sum[:]) == 1 && t.Secret != "" {
			found, ok = t, true
		}
	}
	return found, ok
}

// speaker is the person for whom a token acts, or the token itself for "". What
// they do is recorded as the person's, so it takes the access of both.
func (s *server) speaker(person string, t bot.Token) (access.Speaker, bool) {
	speaker, ok := access.Identify(s.Bot.Organization(), access.Claim{Person: person, Name: t.Name, Limit: access.AtMost(t.Access)})
	speaker.Token = t.Name
	return speaker, ok
}

// actFor is the speaker that an administrator's request names.
func (s *server) actFor(handle string, who caller) (access.Speaker, error) {
	if who.token.Access < commands.Admin {
		no := s.forbidden(who.token.Access, commands.Admin)
		no.Message = fmt.Sprintf("acting for somebody needs a token with the access %q; this one has %q", commands.Admin, who.token.Access)
		return access.Speaker{}, no
	}
	people := &s.Bot.Organization().Directory
	if p, ok := people.Find(handle); ok {
		if speaker, ok := s.speaker(p.ID, who.token); ok {
			return speaker, nil
		}
	}
	var ids []string
	for _, p := range people.People {
		ids = append(ids, p.ID)
	}
	no := badValue(fmt.Sprintf("nobody is called %q", shown(handle)), "name a configured person by ID, whole name or e-mail address")
	if near := commands.Nearest(strings.ToLower(strings.TrimPrefix(handle, "@")), ids); near != "" {
		no.Hint = "did you mean " + near + "?"
	}
	if len(ids) == 0 {
		no.Hint = "no people are configured: leave \"as\" out"
	}
	return access.Speaker{}, no
}

func unauthorized(r *http.Request) *problem {
	no := &problem{
		status: http.StatusUnauthorized, Code: "unauthorized", Message: "this needs an API token",
		Hint: `send "Authorization: Bearer TOKEN"; the token is TOCSIN_API_TOKEN, or one of those configured under tokens`,
	}
	switch {
	case bearer(r) != "":
		no.Message = "this token is not a live one"
	case r.URL.Query().Has("token"):
		no.Message = "a token in the address is not accepted"
		no.Hint = `addresses end up in logs: send "Authorization: Bearer TOKEN" instead, and make a new token`
	}
	return no
}

func (s *server) forbidden(has, needs commands.Access) *problem {
	return &problem{
		status: http.StatusForbidden, Code: "forbidden",
		Message: fmt.Sprintf("this needs the access %q; yours is %q", needs, has),
		Hint:    "use another token, or have an administrator raise this one's access",
	}
}
