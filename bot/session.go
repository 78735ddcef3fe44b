package bot

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
	"slices"
	"strings"
	"time"

	"tocsin/commands"
	"tocsin/workflow"
)

// How long a sign-in link and a session last.
const (
	SignInLife  = 15 * time.Minute
	SessionLife = 12 * time.Hour
)

// Kinds of records. Both are found by the hash of a secret, so that whoever
// reads the store cannot sign in.
const (
	kindSignIn  = "sign-in"
	kindSession = "session"
)

// SignIn is what a sign-in link is bound to. It works once, for 15 minutes.
type SignIn struct {
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
func (s SignIn) Open() bool { return s.Person == "" && s.Access >= commands.Admin }

// Session is one browser that is signed in.
type Session struct {
	ID      string          `json:"-"` // short, and no secret
	Person  string          `json:"person,omitempty"`
	Name    string          `json:"name,omitempty"`
	Access  commands.Access `json:"access,omitempty"` // at most; a person's own may be lower
	Token   string          `json:"token,omitempty"`  // that its link was made with
	Chosen  bool            `json:"chosen,omitempty"` // the reader said who they are: what they do is recorded with the token
	Zone    string          `json:"zone,omitempty"`   // the browser's, IANA
	Browser string          `json:"browser,omitempty"`
	From    string          `json:"from,omitempty"` // address
	Began   time.Time       `json:"began"`
	Ends    time.Time       `json:"ends"`

	record string
}

// The reasons why a sign-in link or a session does not work.
var (
	ErrUsedLink  = errors.New("this link has been used")
	ErrNoSession = errors.New("not signed in, or not any more")
)

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func newSecret() string {
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// SignInLink makes a link that signs a speaker in, and leads to a path of the
// browser pages.
func (b *Bot) SignInLink(ctx context.Context, s Speaker, to string) (string, error) {
	return b.signInLink(ctx, SignIn{Person: s.Person, Name: s.Name, Access: s.Access, Token: s.Token, To: to})
}

// signInLink keeps a link, in one commit with other changes.
func (b *Bot) signInLink(ctx context.Context, link SignIn, with ...RecordChange) (string, error) {
	now, token := b.Now(), newSecret()
	link.Expires = now.Add(SignInLife)
	body, err := json.Marshal(link)
	if err != nil {
		return "", fmt.Errorf("make a sign-in link: %w", err)
	}
	changes, err := b.expired(ctx)
	if err != nil {
		return "", err
	}
	changes = append(append(changes, with...), RecordChange{Kind: kindSignIn, ID: hashed(token), Body: body})
	if _, err = b.cfg.Store.Commit(ctx, Commit{At: now, Records: changes}); err != nil {
		return "", fmt.Errorf("make a sign-in link: %w", err)
	}
	return b.Organization().URL + "/sign-in/" + token, nil
}

// keepEnded is how long a link or session that has ended is kept, so that
// whoever comes with it is told so.
const keepEnded = 24 * time.Hour

// expired deletes the links and sessions that ended long ago: whoever makes a
// new one clears up.
func (b *Bot) expired(ctx context.Context) ([]RecordChange, error) {
	var gone []RecordChange
	for _, kind := range []string{kindSignIn, kindSession} {
		err := b.eachRecord(ctx, kind, func(r Record) {
			var is struct{ Expires, Ends time.Time }
			if json.Unmarshal(r.Body, &is) != nil || b.Now().After(later(is.Expires, is.Ends).Add(keepEnded)) {
				gone = append(gone, RecordChange{Kind: kind, ID: r.ID, Version: AnyVersion})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return gone, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (b *Bot) eachRecord(ctx context.Context, kind string, do func(Record)) error {
	for after := ""; ; {
		page, err := b.cfg.Store.Records(ctx, kind, after, 500)
		if err != nil {
			return fmt.Errorf("read the %ss: %w", kind, err)
		}
		for _, r := range page {
			do(r)
			after = r.ID
		}
		if len(page) < 500 {
			return nil
		}
	}
}

// ReadSignIn looks at a sign-in link and changes nothing. The error is
// [ErrBadLink], [ErrOldLink], [ErrUsedLink], or the store's.
func (b *Bot) ReadSignIn(ctx context.Context, token string) (SignIn, error) {
	link, _, err := b.readSignIn(ctx, token)
	return link, err
}

func (b *Bot) readSignIn(ctx context.Context, token string) (SignIn, int, error) {
	var link SignIn
	rec, err := b.cfg.Store.Get(ctx, kindSignIn, hashed(token))
	if errors.Is(err, ErrNotFound) {
		return link, 0, ErrBadLink
	}
	if err != nil {
		return link, 0, err
	}
	if link, err = readLink(rec); err != nil {
		return link, 0, err
	}
	switch {
	case !link.Used.IsZero():
		return link, rec.Version, ErrUsedLink
	case b.Now().After(link.Expires):
		return link, rec.Version, ErrOldLink
	}
	return link, rec.Version, nil
}

func readLink(rec Record) (SignIn, error) {
	var link SignIn
	if err := json.Unmarshal(rec.Body, &link); err != nil {
		return link, fmt.Errorf("read a sign-in link: %w", err)
	}
	return link, nil
}

// SignIn uses a link up and begins a session: both or neither, once. who says
// where the browser is and, if the link is open, who the reader is. secret is
// what the browser keeps.
func (b *Bot) SignIn(ctx context.Context, token string, who Session) (s Session, secret string, err error) {
	link, version, err := b.readSignIn(ctx, token)
	if err != nil {
		return s, "", err
	}
	now := b.Now()
	s = Session{
		Person: link.Person, Name: link.Name, Access: link.Access, Token: link.Token, Began: now, Ends: now.Add(SessionLife),
		Zone: who.Zone, Browser: line(who.Browser, 80), From: line(who.From, 60),
	}
	if people := b.Organization().Directory; link.Open() {
		if p, ok := people.Person(who.Person); ok {
			s.Person, s.Name, s.Chosen = p.ID, p.Name, true
		} else if len(people.People) == 0 {
			s.Name = cmp.Or(line(who.Name, 60), link.Name)
		}
	}
	if _, err = time.LoadLocation(s.Zone); err != nil || len(s.Zone) > 60 || s.Zone == "Local" {
		s.Zone = ""
	}
	if _, ok := b.speakerOf(s); !ok {
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
	s.record = hashed(secret)
	s.ID = s.record[:8]
	_, err = b.cfg.Store.Commit(ctx, Commit{At: now, Records: []RecordChange{
		{Kind: kindSignIn, ID: hashed(token), Version: version, Body: used},
		{Kind: kindSession, ID: s.record, Body: body},
	}})
	if errors.Is(err, ErrConflict) {
		err = ErrUsedLink
	}
	return s, secret, err
}

func line(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}

// Session returns the session that a browser's secret stands for, and whoever
// speaks through it. The error is [ErrNoSession] or the store's.
func (b *Bot) Session(ctx context.Context, secret string) (Session, Speaker, error) {
	rec, err := b.cfg.Store.Get(ctx, kindSession, hashed(secret))
	if errors.Is(err, ErrNotFound) {
		return Session{}, Speaker{}, ErrNoSession
	}
	if err != nil {
		return Session{}, Speaker{}, err
	}
	s, err := readSession(rec)
	if err != nil {
		return s, Speaker{}, err
	}
	who, ok := b.speakerOf(s)
	if !ok || b.Now().After(s.Ends) {
		return s, Speaker{}, ErrNoSession
	}
	return s, who, nil
}

func readSession(rec Record) (Session, error) {
	s := Session{ID: rec.ID[:min(len(rec.ID), 8)], record: rec.ID}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("read a session: %w", err)
	}
	return s, nil
}

// speakerOf returns who speaks through a session, with the access they have
// now; ok is false when the person, or the token that made
// the link, is not configured any more.
func (b *Bot) speakerOf(s Session) (Speaker, bool) {
	org := b.Organization()
	access := s.Access
	if s.Token != "" && s.Token != OperatorToken {
		n := slices.IndexFunc(org.Tokens, func(t Token) bool { return t.Name == s.Token })
		if n < 0 {
			return Speaker{}, false // the token has been taken away: so is what it opened
		}
		access = min(access, org.Tokens[n].Access)
	}
	who := Speaker{Name: s.Name, Access: access, Zone: org.Zone}
	if s.Person != "" {
		var ok bool
		if who, ok = b.Speaker(s.Person); !ok {
			return who, false
		}
		who.Access = min(who.Access, access)
	}
	if s.Chosen {
		who.Token = s.Token
	}
	if s.Zone != "" {
		if zone, err := time.LoadLocation(s.Zone); err == nil {
			who.Zone = zone
		}
	}
	return who, true
}

// Sessions returns the sessions of a speaker, newest first; all of them for an
// administrator.
func (b *Bot) Sessions(ctx context.Context, s Speaker) ([]Session, error) {
	var all []Session
	err := b.eachRecord(ctx, kindSession, func(r Record) {
		one, err := readSession(r)
		mine := one.Person == s.Person && (s.Person != "" || one.Name == s.Name)
		if err == nil && b.Now().Before(one.Ends) && (mine || s.Access >= commands.Admin) {
			all = append(all, one)
		}
	})
	slices.SortFunc(all, func(a, b Session) int { return b.Began.Compare(a.Began) })
	return all, err
}

// Revoke ends the sessions of a speaker that an ID names, or all of them with
// "all"; an administrator may end everybody's. It returns how many those were.
func (b *Bot) Revoke(ctx context.Context, s Speaker, id string) (int, error) {
	sessions, err := b.Sessions(ctx, s)
	if err != nil {
		return 0, err
	}
	var gone []RecordChange
	for _, one := range sessions {
		if id == "all" || id != "" && strings.EqualFold(one.ID, id) {
			gone = append(gone, RecordChange{Kind: kindSession, ID: one.record, Version: AnyVersion})
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	if _, err = b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Records: gone}); err != nil {
		return 0, fmt.Errorf("end a session: %w", err)
	}
	return len(gone), nil
}
