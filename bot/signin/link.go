// Package signin lets people into the browser: links that work once, the sessions
// they begin, and the links of pages that acknowledge.
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

// Store is where links and sessions are kept.
type Store interface {
	bot.Records
	bot.Committer
}

// Service signs people in.
type Service struct {
	engine *bot.Engine
	store  Store
}

// New makes a desk.
func New(engine *bot.Engine, store Store) *Service { return &Service{engine: engine, store: store} }

// How long a sign-in link and a session last.
const (
	LinkLife    = 15 * time.Minute
	SessionLife = 12 * time.Hour
)

// Kinds of records. Both are found by the hash of a secret, so that whoever
// reads the store cannot sign in.
const (
	kindLink    = "sign-in"
	kindSession = "session"
)

// SignIn is what a sign-in link is bound to. It works once, for 15 minutes.
type Link struct {
	Person  string          `json:"person,omitempty"` // whom it signs in
	Name    string          `json:"name,omitempty"`
	Access  commands.Access `json:"access,omitempty"` // at most: no link raises the access of whoever made it
	Token   string          `json:"token,omitempty"`  // it was made with
	To      string          `json:"to,omitempty"`     // path of the page to go on to
	Expires time.Time       `json:"expires"`
	Used    time.Time       `json:"used,omitzero"`
}

// Open reports whether the reader may say who they are: the link was made by
// an administrator's token, which may act for everybody.
func (s Link) IsOpen() bool { return s.Person == "" && s.Access >= commands.Admin }

// The reasons why a sign-in link or a session does not work.
var (
	ErrUsedLink  = errors.New("this link has been used")
	ErrNoSession = errors.New("not signed in, or not any more")
)

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func newSecret() string {
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Link makes a link that signs a speaker in, and leads to a path of the
// browser pages.
func (d *Service) CreateLink(ctx context.Context, s access.Speaker, to string) (string, error) {
	return d.newLink(ctx, Link{Person: s.Person, Name: s.Name, Access: s.Access, Token: s.Token, To: to})
}

// newLink keeps a link, in one commit with other changes.
func (d *Service) newLink(ctx context.Context, link Link, with ...bot.RecordChange) (string, error) {
	now, token := d.engine.Now(), newSecret()
	link.Expires = now.Add(LinkLife)
	body, err := json.Marshal(link)
	if err != nil {
		return "", fmt.Errorf("make a sign-in link: %w", err)
	}
	changes, err := d.deleteExpired(ctx)
	if err != nil {
		return "", err
	}
	changes = append(append(changes, with...), bot.RecordChange{Kind: kindLink, ID: hash(token), Body: body})
	if _, err = d.store.Commit(ctx, bot.Commit{At: now, Records: changes}); err != nil {
		return "", fmt.Errorf("make a sign-in link: %w", err)
	}
	return d.engine.Organization().URL + "/sign-in/" + token, nil
}

// keepEnded is how long a link or session that has ended is kept, so that
// whoever comes with it is told so.
const keepExpired = 24 * time.Hour

// expired deletes the links and sessions that ended long ago: whoever makes a
// new one clears up.
func (d *Service) deleteExpired(ctx context.Context) ([]bot.RecordChange, error) {
	var gone []bot.RecordChange
	for _, kind := range []string{kindLink, kindSession} {
		err := bot.EachRecord(ctx, d.store, kind, func(r bot.Record) {
			var is struct{ Expires, Ends time.Time }
			if json.Unmarshal(r.Body, &is) != nil || d.engine.Now().After(laterOf(is.Expires, is.Ends).Add(keepExpired)) {
				gone = append(gone, bot.RecordChange{Kind: kind, ID: r.ID, Version: bot.AnyVersion})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Read looks at a sign-in link and changes nothing. The error is
// [ErrBadLink], [ErrOldLink], [ErrUsedLink], or the store's.
func (d *Service) ReadLink(ctx context.Context, token string) (Link, error) {
	link, _, err := d.loadLink(ctx, token)
	return link, err
}

func (d *Service) loadLink(ctx context.Context, token string) (Link, int, error) {
	var link Link
	rec, err := d.store.Get(ctx, kindLink, hash(token))
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
	case !link.Used.IsZero():
		return link, rec.Version, ErrUsedLink
	case d.engine.Now().After(link.Expires):
		return link, rec.Version, ErrExpiredLink
	}
	return link, rec.Version, nil
}

func decodeLink(rec bot.Record) (Link, error) {
	var link Link
	if err := json.Unmarshal(rec.Body, &link); err != nil {
		return link, fmt.Errorf("read a sign-in link: %w", err)
	}
	return link, nil
}

// SignIn uses a link up and begins a session: both or neither, once. who says
// where the browser is and, if the link is open, who the reader is. secret is
// what the browser keeps.
func (d *Service) SignIn(ctx context.Context, token string, who Session) (s Session, secret string, err error) {
	link, version, err := d.loadLink(ctx, token)
	if err != nil {
		return s, "", err
	}
	now := d.engine.Now()
	s = Session{
		Person: link.Person, Name: link.Name, Access: link.Access, Token: link.Token, Began: now, Ends: now.Add(SessionLife),
		Zone: who.Zone, Browser: cleanLine(who.Browser, 80), From: cleanLine(who.From, 60),
	}
	if people := d.engine.Organization().Directory; link.IsOpen() {
		if p, ok := people.Person(who.Person); ok {
			s.Person, s.Name, s.Chosen = p.ID, p.Name, true
		} else if len(people.People) == 0 {
			s.Name = cmp.Or(cleanLine(who.Name, 60), link.Name)
		}
	}
	if _, err = time.LoadLocation(s.Zone); err != nil || len(s.Zone) > 60 || s.Zone == "Local" {
		s.Zone = ""
	}
	if _, ok := d.speaker(s); !ok {
		return s, "", ErrBadLink // the person has left meanwhile
	}
	link.Used = now
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
	_, err = d.store.Commit(ctx, bot.Commit{At: now, Records: []bot.RecordChange{
		{Kind: kindLink, ID: hash(token), Version: version, Body: used},
		{Kind: kindSession, ID: s.record, Body: body},
	}})
	if errors.Is(err, bot.ErrConflict) {
		err = ErrUsedLink
	}
	return s, secret, err
}

func cleanLine(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}
