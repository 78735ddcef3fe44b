package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// webText answers the word `web`: a link to sign in with, where the speaker is
// signed in, or how many sessions were ended.
func (b *Bot) webText(ctx context.Context, call commands.Call, s Speaker) (string, error) {
	switch call.Query.Topic {
	case "sessions":
		all, err := b.Sessions(ctx, s)
		if err != nil {
			return "", err
		}
		if len(all) == 0 {
			return "No browser is signed in.", nil
		}
		var t strings.Builder
		for _, one := range all {
			fmt.Fprintf(&t, "%s  %s, since %s, until %s: %s, %s\n", one.ID, or(one.Name, one.Person), b.clock(one.Began, s), b.clock(one.Ends, s),
				or(one.Browser, "unknown browser"), or(one.From, "unknown address"))
		}
		return t.String() + "`web revoke ID` signs one of them out, `web revoke all` all.", nil
	case "revoke":
		n, err := b.Revoke(ctx, s, call.Query.ID)
		if err != nil {
			return "", err
		}
		if n == 0 {
			return "", &workflow.Refusal{Message: fmt.Sprintf("No session is called %q.", line(call.Query.ID, 20)), Hint: "`web sessions` lists them."}
		}
		return fmt.Sprintf("Signed out: %d.", n), nil
	}
	to := "/"
	if call.Incident != "" {
		if _, err := b.Incident(ctx, call.Incident, s); err != nil {
			return "", err
		}
		to = "/incidents/" + call.Incident
	}
	link, err := b.SignInLink(ctx, s, to)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\nSigns you in once, until %s. Keep it to yourself.", link, b.clock(b.Now().Add(SignInLife), s)), nil
}

func (b *Bot) clock(at time.Time, s Speaker) string { return at.In(b.view(s).Zone).Format("15:04 MST") }

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// kindMailed is the kind of records that say when a person was mailed a link.
const kindMailed = "sign-in-mail"

// mailEvery is how often one person is mailed a sign-in link at most.
const mailEvery = time.Minute

// MailSignIn sends a sign-in link to the configured person who has this
// address. Nobody who asks learns whether there is one: that there is not, or
// that they were mailed a moment ago, is no error.
func (b *Bot) MailSignIn(ctx context.Context, address string) error {
	address = strings.TrimSpace(address)
	p, ok := b.Organization().Directory.Find(address)
	if !ok || p.Email == "" || !strings.EqualFold(p.Email, address) {
		return nil
	}
	mail := b.org.Load().pagers["email"]
	if mail == nil {
		return errors.New("mail is not connected")
	}
	now := b.Now()
	last, err := b.cfg.Store.Get(ctx, kindMailed, p.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	var at time.Time
	if len(last.Body) > 0 && at.UnmarshalText(last.Body) == nil && now.Sub(at) < mailEvery {
		return nil
	}
	stamp, err := now.MarshalText()
	if err != nil {
		return fmt.Errorf("mail a sign-in link: %w", err)
	}
	link, err := b.signInLink(ctx, SignIn{Person: p.ID, Name: p.Name, Access: commands.Admin, To: "/"},
		RecordChange{Kind: kindMailed, ID: p.ID, Version: last.Version, Body: stamp})
	if errors.Is(err, ErrConflict) {
		return nil // somebody else asked at the same moment
	}
	if err != nil {
		return err
	}
	key := "sign-in/" + hashed(link)[:16]
	err = mail.Page(ctx, Page{
		Key: key, Keys: []string{key}, Purpose: workflow.PurposeNotice, Person: p.ID, Name: p.Name, Address: p.Email,
		Message: card.SignIn(link, b.Organization().Name),
	})
	if err == nil {
		return nil
	}
	// Nothing was mailed: whoever asks again is not to be told to wait.
	_, e := b.cfg.Store.Commit(ctx, Commit{At: b.Now(), Records: []RecordChange{{Kind: kindMailed, ID: p.ID, Version: AnyVersion}}})
	return errors.Join(err, e)
}

// MayMail reports whether sign-in links can be mailed.
func (b *Bot) MayMail() bool { return b.org.Load().pagers["email"] != nil }
