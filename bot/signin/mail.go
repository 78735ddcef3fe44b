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

// kindMailed is the kind of records that say when a person was mailed a link.
const kindMailedAt = "sign-in-mail"

// mailEvery is how often one person is mailed a sign-in link at most.
const mailEvery = time.Minute

// Mail sends a sign-in link to the configured person who has this
// address. Nobody who asks learns whether there is one: that there is not, or
// that they were mailed a moment ago, is no error.
func (d *Service) MailLink(ctx context.Context, address string) error {
	address = strings.TrimSpace(address)
	p, ok := d.engine.Organization().Directory.Find(address)
	if !ok || p.Email == "" || !strings.EqualFold(p.Email, address) {
		return nil
	}
	mail := d.engine.Pager("email")
	if mail == nil {
		return errors.New("mail is not connected")
	}
	now := d.engine.Now()
	last, err := d.store.Get(ctx, kindMailedAt, p.ID)
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
	link, err := d.newLink(ctx, Link{Person: p.ID, Name: p.Name, Access: commands.Admin, To: "/"},
		bot.RecordChange{Kind: kindMailedAt, ID: p.ID, Version: last.Version, Body: stamp})
	if errors.Is(err, bot.ErrConflict) {
		return nil // somebody else asked at the same moment
	}
	if err != nil {
		return err
	}
	key := "sign-in/" + hash(link)[:16]
	err = mail.Page(ctx, bot.Page{
		Key: key, Keys: []string{key}, Purpose: workflow.PurposeNotice, Person: p.ID, Name: p.Name, Address: p.Email,
		Content: card.SignIn(link, d.engine.Organization().Name),
	})
	if err == nil {
		return nil
	}
	// Nothing was mailed: whoever asks again is not to be told to wait.
	_, e := d.store.Commit(ctx, bot.Commit{At: d.engine.Now(), Records: []bot.RecordChange{{Kind: kindMailedAt, ID: p.ID, Version: bot.AnyVersion}}})
	return errors.Join(err, e)
}

// CanMail reports whether sign-in links can be mailed.
func (d *Service) CanMail() bool { return d.engine.Pager("email") != nil }
