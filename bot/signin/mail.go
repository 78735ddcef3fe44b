package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// kindMailedAt is the kind of records that hold the time when a person was mailed a
// sign-in link last.
const kindMailedAt = "sign-in-mail"

// mailEvery is the shortest interval between two mails to one person.
const mailEvery = time.Minute

// forgetTimeout limits the commit that follows a mail that was not sent.
const forgetTimeout = 10 * time.Second

// MailLink mails a sign-in link to the configured person with this e-mail address. It
// returns nil when no person has the address, or when they were mailed within the last
// minute, so that the caller cannot find out who is configured. It may take minutes, as
// the mail server does.
func (svc *Service) MailLink(ctx context.Context, address string) error {
	address = strings.TrimSpace(address)
	p, ok := svc.engine.Organization().Directory.Find(address)
	if !ok || p.Email == "" || !strings.EqualFold(p.Email, address) {
		return nil
	}
	mail := svc.engine.Pager("email")
	if mail == nil {
		return errors.New("mail a sign-in link: e-mail is not connected")
	}
	now := svc.engine.Now()
	last, err := svc.store.Get(ctx, kindMailedAt, p.ID)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
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
	link, err := svc.newLink(ctx, Link{Person: p.ID, Name: p.Name, Access: commands.Admin, To: "/"},
		bot.RecordChange{Kind: kindMailedAt, ID: p.ID, Version: last.Version, Body: stamp})
	if errors.Is(err, bot.ErrConflict) {
		return nil // another request at the same moment has mailed one
	}
	if err != nil {
		return err
	}
	key := "sign-in/" + hash(link)[:16]
	err = mail.Page(ctx, bot.Page{
		Key: key, Keys: []string{key}, Purpose: workflow.PurposeNotice, Person: p.ID, Name: p.Name, Address: p.Email,
		Content: card.SignIn(link, svc.engine.Organization().Name),
	})
	if err == nil || errors.Is(err, bot.ErrUnknownOutcome) { // it may arrive (E4c: slow is not failed)
		return err
	}
	// Nothing was mailed, so the next request must not have to wait, also when the
	// time for the mail is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer cancel()
	_, e := svc.store.Commit(ctx, bot.Commit{At: svc.engine.Now(), Records: []bot.RecordChange{{Kind: kindMailedAt, ID: p.ID, Version: bot.AnyVersion}}})
	return errors.Join(err, e)
}

// CanMail reports whether sign-in links can be mailed.
func (svc *Service) CanMail() bool { return svc.engine.Pager("email") != nil }
