package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/commands"
)

// Session is a browser that is signed in.
type Session struct {
	ID        string          `json:"-"` // short and not secret: people name the session by it
	Person    string          `json:"person,omitempty"`
	Handle    string          `json:"handle,omitempty"` // of a guest: platform and account
	Name      string          `json:"name,omitempty"`
	Access    commands.Access `json:"access,omitempty"`     // at most; the person's own may be lower
	Token     string          `json:"token,omitempty"`      // name of the API token that its link was created with
	Digest    string          `json:"digest,omitempty"`     // of the secret of that token
	Chosen    bool            `json:"chosen,omitempty"`     // signed in by an open link: events name the token, too
	SelfNamed bool            `json:"self_named,omitempty"` // wrote their own name, because no people were configured; ends when people are
	Zone      string          `json:"zone,omitempty"`       // IANA zone of the browser
	Browser   string          `json:"browser,omitempty"`
	From      string          `json:"from,omitempty"` // IP address
	StartedAt time.Time       `json:"started_at"`
	ExpiresAt time.Time       `json:"expires_at"`

	record string
}

// Session returns the session of a browser's secret, and its person as a speaker. The
// error is [ErrNoSession] or the store's.
func (svc *Service) Session(ctx context.Context, secret string) (Session, access.Speaker, error) {
	rec, err := svc.store.Get(ctx, kindSession, hash(secret))
	if errors.Is(err, bot.ErrNotFound) {
		return Session{}, access.Speaker{}, ErrNoSession
	}
	if err != nil {
		return Session{}, access.Speaker{}, err
	}
	s, err := decodeSession(rec)
	if err != nil {
		return s, access.Speaker{}, err
	}
	who, ok := svc.speaker(s)
	if !ok || svc.engine.Now().After(s.ExpiresAt) {
		return s, access.Speaker{}, ErrNoSession
	}
	return s, who, nil
}

// decodeSession decodes the record of a session.
func decodeSession(rec bot.Record) (Session, error) {
	s := Session{ID: rec.ID[:min(len(rec.ID), 8)], record: rec.ID}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("decode a session: %w", err)
	}
	return s, nil
}

// speaker returns the person of a session as a speaker, with their access by the
// configuration in force. ok is false when the person, or the token that its link was
// created with, is not configured any more, or has another secret (P1d: a session ends
// with its token).
func (svc *Service) speaker(s Session) (access.Speaker, bool) {
	claim := access.Claim{Person: s.Person, Name: s.Name, Key: access.Key{Token: s.Token, Digest: s.Digest}, Limit: access.AtMost(s.Access)}
	if platform, account, ok := strings.Cut(s.Handle, ":"); ok {
		claim.Account = access.Account{Platform: platform, ID: account, Name: s.Name}
	}
	org := svc.engine.Organization()
	who, ok := access.Identify(org, claim)
	if s.SelfNamed && len(org.Directory.People) > 0 {
		return who, false
	}
	if s.SelfNamed || s.Token == "" {
		who.Session = s.ID
	}
	if s.Chosen {
		who.Token = s.Token
	}
	if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" && s.Person == "" {
		who.Zone = zone // no mail or page shows a guest the organization's
	}
	return who, ok
}

// owner returns the ID of the speaker of a session (P1c: a name is no identity).
func (s Session) owner() string {
	who := access.Speaker{Person: s.Person, Handle: s.Handle, Key: access.Key{Token: s.Token}}
	if s.SelfNamed || s.Token == "" {
		who.Session = s.ID
	}
	return who.ID()
}

// Sessions returns the sessions of a speaker, newest first; an admin gets those of
// everyone.
func (svc *Service) Sessions(ctx context.Context, s access.Speaker) ([]Session, error) {
	var all []Session
	err := bot.EachRecord(ctx, svc.store, kindSession, func(r bot.Record) {
		one, err := decodeSession(r)
		mine := one.owner() == s.ID()
		if err == nil && svc.engine.Now().Before(one.ExpiresAt) && (mine || s.Access >= commands.Admin) {
			all = append(all, one)
		}
	})
	slices.SortFunc(all, func(a, b Session) int { return b.StartedAt.Compare(a.StartedAt) })
	return all, err
}

// Revoke ends the session with an ID, or every session with "all", among those that
// [Service.Sessions] returns to the speaker. It returns how many it ended.
func (svc *Service) Revoke(ctx context.Context, s access.Speaker, id string) (int, error) {
	sessions, err := svc.Sessions(ctx, s)
	if err != nil {
		return 0, err
	}
	var deletes []bot.RecordChange
	for _, one := range sessions {
		if id == "all" || id != "" && strings.EqualFold(one.ID, id) {
			deletes = append(deletes, bot.RecordChange{Kind: kindSession, ID: one.record, Version: bot.AnyVersion})
		}
	}
	if len(deletes) == 0 {
		return 0, nil
	}
	if _, err = svc.store.Commit(ctx, bot.Commit{At: svc.engine.Now(), Records: deletes}); err != nil {
		return 0, fmt.Errorf("end a session: %w", err)
	}
	return len(deletes), nil
}
