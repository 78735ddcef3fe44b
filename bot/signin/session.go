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

// Session returns the session that a browser's secret stands for, and whoever
// speaks through it. The error is [ErrNoSession] or the store's.
func (d *Service) Session(ctx context.Context, secret string) (Session, access.Speaker, error) {
	rec, err := d.store.Get(ctx, kindSession, hash(secret))
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
	who, ok := d.speaker(s)
	if !ok || d.engine.Now().After(s.Ends) {
		return s, access.Speaker{}, ErrNoSession
	}
	return s, who, nil
}

func decodeSession(rec bot.Record) (Session, error) {
	s := Session{ID: rec.ID[:min(len(rec.ID), 8)], record: rec.ID}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("read a session: %w", err)
	}
	return s, nil
}

// speaker returns who speaks through a session, with the access they have now; ok
// is false when the person, or the token that made the link, is not configured any
// more.
func (d *Service) speaker(s Session) (access.Speaker, bool) {
	who, ok := access.Identify(d.engine.Organization(), access.Claim{
		Person: s.Person, Name: s.Name, Token: s.Token, Limit: access.AtMost(s.Access),
	})
	if s.Chosen {
		who.Token = s.Token
	}
	if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
		who.Zone = zone
	}
	return who, ok
}

// Sessions returns the sessions of a speaker, newest first; all of them for an
// administrator.
func (d *Service) Sessions(ctx context.Context, s access.Speaker) ([]Session, error) {
	var all []Session
	err := bot.EachRecord(ctx, d.store, kindSession, func(r bot.Record) {
		one, err := decodeSession(r)
		mine := one.Person == s.Person && (s.Person != "" || one.Name == s.Name)
		if err == nil && d.engine.Now().Before(one.Ends) && (mine || s.Access >= commands.Admin) {
			all = append(all, one)
		}
	})
	slices.SortFunc(all, func(a, b Session) int { return b.Began.Compare(a.Began) })
	return all, err
}

// Revoke ends the sessions of a speaker that an ID names, or all of them with
// "all"; an administrator may end everybody's. It returns how many those were.
func (d *Service) Revoke(ctx context.Context, s access.Speaker, id string) (int, error) {
	sessions, err := d.Sessions(ctx, s)
	if err != nil {
		return 0, err
	}
	var gone []bot.RecordChange
	for _, one := range sessions {
		if id == "all" || id != "" && strings.EqualFold(one.ID, id) {
			gone = append(gone, bot.RecordChange{Kind: kindSession, ID: one.record, Version: bot.AnyVersion})
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	if _, err = d.store.Commit(ctx, bot.Commit{At: d.engine.Now(), Records: gone}); err != nil {
		return 0, fmt.Errorf("end a session: %w", err)
	}
	return len(gone), nil
}
