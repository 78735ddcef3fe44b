// Package signin signs people in to the browser: sign-in links that work once
// ([Link]), the sessions that they begin ([Session]), and the signed links in pages that
// acknowledge an incident ([PageLinks]).
//
// It sets no cookies and serves no pages (adapter web does), and does not decide what a
// signed-in person may do (package access does). Begin reading at [Service.SignIn].
package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/commands"
	"tocsin/workflow"
)

// Store is the part of the store that holds links and sessions.
type Store interface {
	bot.Records
	bot.Committer
}

// Service signs people in.
type Service struct {
	engine *bot.Engine
	store  Store
}

// New returns a service.
func New(engine *bot.Engine, store Store) *Service { return &Service{engine: engine, store: store} }

// How long a sign-in link and a session last.
const (
	LinkLife    = 15 * time.Minute
	SessionLife = 12 * time.Hour
)

// Kinds of records. The ID of each record is the hash of a secret, so that a reader of
// the store cannot sign in (P4: secrets are never shown).
const (
	kindLink    = "sign-in"
	kindSession = "session"
)

// Link is a sign-in link. It works once, within 15 minutes.
type Link struct {
	Person    string          `json:"person,omitempty"` // ID of the person that it signs in; "": a guest or an open link
	Handle    string          `json:"handle,omitempty"` // of a guest: platform and account
	Name      string          `json:"name,omitempty"`
	Access    commands.Access `json:"access,omitempty"` // of its creator: the session gets at most this
	Token     string          `json:"token,omitempty"`  // name of the API token that it was created with, directly or by a session
	Digest    string          `json:"digest,omitempty"` // of the secret of that token, see [bot.Token.Digest]
	To        string          `json:"to,omitempty"`     // path of the page that opens after signing in
	ExpiresAt time.Time       `json:"expires_at"`
	UsedAt    time.Time       `json:"used_at,omitzero"`
}

// IsOpen reports whether the person who signs in may choose who they are: the link was
// created with an admin token, which may act for anyone.
func (s Link) IsOpen() bool { return s.Person == "" && s.Access >= commands.Admin }

// The reasons why a sign-in link or a session does not work.
var (
	ErrUsedLink  = errors.New("this link has been used")
	ErrNoSession = errors.New("not signed in, or not any more")
)

// hash returns the hash of a secret, which is the ID of its record.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// newSecret returns a random secret.
func newSecret() string {
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// CreateLink creates a link that signs a speaker in and opens a path of the pages. It
// returns the link's address.
func (svc *Service) CreateLink(ctx context.Context, s access.Speaker, to string) (string, error) {
	return svc.newLink(ctx, Link{Person: s.Person, Handle: s.Handle, Name: s.Name, Access: s.Access, Token: s.Key.Token, Digest: s.Key.Digest, To: to})
}

// newLink stores a link in one commit with other changes, and returns its address. It
// also deletes links and sessions that expired long ago.
func (svc *Service) newLink(ctx context.Context, link Link, with ...bot.RecordChange) (string, error) {
	now, token := svc.engine.Now(), newSecret()
	link.ExpiresAt = now.Add(LinkLife)
	body, err := json.Marshal(link)
	if err != nil {
		return "", fmt.Errorf("create a sign-in link: %w", err)
	}
	changes, err := svc.expiredRecords(ctx)
	if err != nil {
		return "", err
	}
	changes = append(append(changes, with...), bot.RecordChange{Kind: kindLink, ID: hash(token), Body: body})
	if _, err = svc.store.Commit(ctx, bot.Commit{At: now, Records: changes}); err != nil {
		return "", fmt.Errorf("create a sign-in link: %w", err)
	}
	return svc.engine.Organization().URL + "/sign-in/" + token, nil
}

// keepExpired is how long an expired link or session is kept, so that its page can
// say that it has expired.
const keepExpired = 24 * time.Hour

// expiredRecords returns the changes that delete links and sessions that expired more
// than keepExpired ago.
func (svc *Service) expiredRecords(ctx context.Context) ([]bot.RecordChange, error) {
	var deletes []bot.RecordChange
	for _, kind := range []string{kindLink, kindSession} {
		err := bot.EachRecord(ctx, svc.store, kind, func(r bot.Record) {
			var times struct {
				ExpiresAt time.Time `json:"expires_at"`
			}
			if json.Unmarshal(r.Body, &times) != nil || svc.engine.Now().After(times.ExpiresAt.Add(keepExpired)) {
				deletes = append(deletes, bot.RecordChange{Kind: kind, ID: r.ID, Version: bot.AnyVersion})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return deletes, nil
}

// ReadLink returns a sign-in link without using it up. The error is [ErrBadLink],
// [ErrExpiredLink], [ErrUsedLink], or the store's.
func (svc *Service) ReadLink(ctx context.Context, token string) (Link, error) {
	link, _, err := svc.loadLink(ctx, token)
	return link, err
}

// loadLink returns a sign-in link and the version of its record.
func (svc *Service) loadLink(ctx context.Context, token string) (Link, int, error) {
	var link Link
	rec, err := svc.store.Get(ctx, kindLink, hash(token))
	if errors.Is(err, bot.ErrNotFound) {
		return link, 0, ErrBadLink
	}
	if err != nil {
		return link, 0, err
	}
	if link, err = decodeLink(rec); err != nil {
		return link, 0, err
	}
	switch {
	case !link.UsedAt.IsZero():
		return link, rec.Version, ErrUsedLink
	case svc.engine.Now().After(link.ExpiresAt):
		return link, rec.Version, ErrExpiredLink
	}
	return link, rec.Version, nil
}

// decodeLink decodes the record of a link.
func decodeLink(rec bot.Record) (Link, error) {
	var link Link
	if err := json.Unmarshal(rec.Body, &link); err != nil {
		return link, fmt.Errorf("decode a sign-in link: %w", err)
	}
	return link, nil
}

// SignIn uses a link up and begins a session, in one commit. who describes the browser
// and, if the link is open, the person who signs in. secret identifies the session; the
// browser keeps it. The error is that of [Service.ReadLink].
func (svc *Service) SignIn(ctx context.Context, token string, who Session) (s Session, secret string, err error) {
	link, version, err := svc.loadLink(ctx, token)
	if err != nil {
		return s, "", err
	}
	now := svc.engine.Now()
	s = Session{
		Person: link.Person, Handle: link.Handle, Name: link.Name, Access: link.Access, Token: link.Token, Digest: link.Digest, StartedAt: now, ExpiresAt: now.Add(SessionLife),
		Zone: who.Zone, Browser: cleanLine(who.Browser, 80), From: cleanLine(who.From, 60),
	}
	if people := svc.engine.Organization().Directory; link.IsOpen() {
		if p, ok := people.Person(who.Person); ok {
			s.Person, s.Name, s.Chosen = p.ID, p.Name, true
		} else if len(people.People) == 0 {
			own := cleanLine(who.Name, 60)
			s.Name, s.SelfNamed = cmp.Or(own, link.Name), own != ""
		}
	}
	if _, err = time.LoadLocation(s.Zone); err != nil || len(s.Zone) > 60 || s.Zone == "Local" {
		s.Zone = ""
	}
	if _, ok := svc.speaker(s); !ok {
		return s, "", ErrBadLink // the person, the token or its secret is not configured any more
	}
	link.UsedAt = now
	used, err := json.Marshal(link)
	if err != nil {
		return s, "", fmt.Errorf("sign in: %w", err)
	}
	body, err := json.Marshal(s)
	if err != nil {
		return s, "", fmt.Errorf("sign in: %w", err)
	}
	secret = newSecret()
	s.record = hash(secret)
	s.ID = s.record[:8]
	_, err = svc.store.Commit(ctx, bot.Commit{At: now, Records: []bot.RecordChange{
		{Kind: kindLink, ID: hash(token), Version: version, Body: used},
		{Kind: kindSession, ID: s.record, Body: body},
	}})
	if errors.Is(err, bot.ErrConflict) {
		err = ErrUsedLink
	}
	return s, secret, err
}

// cleanLine returns a text as one line of at most so many characters.
func cleanLine(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}
