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

// caller is the authenticated client of a request: the speaker that the record
// names, and the token.
type caller struct {
	access.Speaker
	token bot.Token
}

// authenticate returns the caller of a request.
func (s *server) authenticate(r *http.Request) (caller, *problem) {
	token, ok := s.findToken(bearerToken(r))
	if !ok {
		return caller{}, unauthorized(r)
	}
	who := caller{token: token}
	if who.Speaker, ok = s.speakerFor(token.As, token); !ok {
		return caller{}, &problem{
			status: http.StatusForbidden, Code: "forbidden",
			Message: fmt.Sprintf("the token %s acts for %s, who is not configured any more", token.Name, token.As),
			Hint:    "set the token's `as` to a configured person",
		}
	}
	return who, nil
}

// bearerToken returns the secret of a request, "" when there is none.
func bearerToken(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(rest)
}

// findToken returns the token with this secret. It compares the hash of every
// token in constant time, so that the time it takes says nothing about them.
func (s *server) findToken(secret string) (bot.Token, bool) {
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

// speakerFor returns the speaker of a token that acts for a person. What the
// token does is recorded as the person's, so it is limited to the access of
// both.
func (s *server) speakerFor(person string, t bot.Token) (access.Speaker, bool) {
	speaker, ok := access.Identify(s.Engine.Organization(), access.Claim{Person: person, Name: t.Name, Limit: access.AtMost(t.Access)})
	speaker.Token, speaker.Key = t.Name, access.KeyOf(t)
	return speaker, ok
}

// actAs returns the speaker that the "as" of an administrator's request names.
func (s *server) actAs(handle string, who caller) (access.Speaker, error) {
	if who.token.Access < commands.Admin {
		prob := s.forbidden(who.token.Access, commands.Admin)
		prob.Message = fmt.Sprintf("acting for a person needs a token with the access %q; this one has %q", commands.Admin, who.token.Access)
		return access.Speaker{}, prob
	}
	people := &s.Engine.Organization().Directory
	if p, ok := people.Find(handle); ok {
		if speaker, ok := s.speakerFor(p.ID, who.token); ok {
			return speaker, nil
		}
	}
	if all := people.Matches(handle); len(all) > 1 {
		return access.Speaker{}, badValue(fmt.Sprintf("%q may mean several people", sanitize(handle)), "name one by ID, such as "+all[0].ID+" or "+all[1].ID)
	}
	var ids []string
	for _, p := range people.People {
		ids = append(ids, p.ID)
	}
	prob := badValue(fmt.Sprintf("no person is called %q", sanitize(handle)), "name a configured person by ID, whole name or e-mail address")
	if near := commands.Nearest(strings.TrimPrefix(handle, "@"), ids); near != "" {
		prob.Hint = "did you mean " + near + "?"
	}
	if len(ids) == 0 {
		prob.Hint = "no people are configured: leave \"as\" out"
	}
	return access.Speaker{}, prob
}

func unauthorized(r *http.Request) *problem {
	prob := &problem{
		status: http.StatusUnauthorized, Code: "unauthorized", Message: "this needs an API token",
		Hint: `send "Authorization: Bearer TOKEN"; the token is TOCSIN_API_TOKEN, or one of those configured under tokens`,
	}
	switch {
	case bearerToken(r) != "":
		prob.Message = "this token is not valid"
	case r.URL.Query().Has("token"):
		prob.Message = "a token in the URL is not accepted"
		prob.Hint = `URLs end up in logs: send "Authorization: Bearer TOKEN" instead, and make a new token`
	}
	return prob
}

func (s *server) forbidden(has, needs commands.Access) *problem {
	return &problem{
		status: http.StatusForbidden, Code: "forbidden",
		Message: fmt.Sprintf("this needs the access %q; yours is %q", needs, has),
		Hint:    "use another token, or ask an administrator to raise this one's access",
	}
}
