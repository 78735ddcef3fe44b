package signin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

// TestMailSignIn: a configured person gets a link by mail, once a minute; the caller
// cannot find out who is configured.
func TestMailSignIn(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	ask := func(address string, want int) {
		t.Helper()
		w.Paged = nil
		if err := w.SignIn.MailLink(t.Context(), address); err != nil {
			t.Errorf("%.40q: %v", address, err)
		}
		if len(w.Paged) != want {
			t.Errorf("%.40q: %d mails, want %d", address, len(w.Paged), want)
		}
	}
	for _, unknown := range []string{"", "@", "eve@example.com", "ana", "@ana", "Ana", "ana@example.com,eve@example.com", "ana@example.com\r\nBcc: eve@example.com", strings.Repeat("a", 100_000)} {
		ask(unknown, 0)
	}
	if n := w.CountRecords("sign-in"); n != 0 {
		t.Errorf("%d links were created for unknown addresses", n)
	}
	ask(" Ana@Example.com ", 1)
	mail := w.Paged[0]
	if mail.Address != "ana@example.com" || mail.Person != "ana" || mail.Purpose != workflow.PurposeNotice || mail.Key == "" || len(mail.Keys) != 1 || mail.Keys[0] != mail.Key || len(mail.Incidents) != 0 {
		t.Errorf("mail %+v", mail)
	}
	token := strings.TrimPrefix(mail.Content.Buttons[0].URL, "https://tocsin.example.com/sign-in/")
	if link, err := w.SignIn.ReadLink(t.Context(), token); err != nil || link.Person != "ana" || link.To != "/" {
		t.Errorf("link %+v %v", link, err)
	}
	if strings.Contains(mail.Key, token) {
		t.Errorf("P4: the identifier of the mail is its secret: %s", mail.Key)
	}
	w.Clock = w.Clock.Add(59 * time.Second)
	ask("ana@example.com", 0)
	ask("ben@example.com", 1) // the minute is each person's own
	w.SignInWith(token, signin.Session{})
	ask("ana@example.com", 0) // also when the first link has been used
	w.Clock = w.Clock.Add(time.Second)
	ask("ana@example.com", 1)
	if w.Paged[0].Key == mail.Key {
		t.Error("another mail has the identifier of the first")
	}
}

// TestMailSignInUnknownOutcome: a mail that may have been accepted counts as mailed; one
// that was not sent in time does not (E4c: slow is not failed).
func TestMailSignInUnknownOutcome(t *testing.T) {
	w := bottest.NewApp(t, impatientStore{memory.New()})
	w.PagerError = fmt.Errorf("no answer: %w", bot.ErrUnknownOutcome)
	if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); !errors.Is(err, bot.ErrUnknownOutcome) {
		t.Errorf("got %v", err)
	}
	w.PagerError = nil
	if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); err != nil || len(w.Paged) != 0 {
		t.Errorf("%v, %d more mails within the minute", err, len(w.Paged))
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := w.Configure(bottest.SampleOrganization(), map[string]bot.Pager{"email": pagerFunc(func() error {
		cancel()
		return ctx.Err()
	})}); err != nil {
		t.Fatal(err)
	}
	if err := w.SignIn.MailLink(ctx, "ben@example.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := w.Configure(bottest.SampleOrganization(), map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	if err := w.SignIn.MailLink(t.Context(), "ben@example.com"); err != nil || len(w.Paged) != 1 {
		t.Errorf("%v, %d mails after one that was not sent", err, len(w.Paged))
	}
}

// impatientStore commits nothing for a caller whose time is over, as a real store does.
type impatientStore struct{ bot.Store }

// Commit implements [bot.Incidents].
func (s impatientStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return bot.Receipt{}, err
	}
	return s.Store.Commit(ctx, c)
}

// pagerFunc is a pager that a test gives.
type pagerFunc func() error

// Page implements [bot.Pager].
func (f pagerFunc) Page(context.Context, bot.Page) error { return f() }

// TestMailSignInAtOnce: of many requests at the same moment one sends a mail.
func TestMailSignInAtOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	var all, looked sync.WaitGroup
	looked.Add(20)
	w.AfterGet = func(kind string) {
		if kind == "sign-in-mail" {
			looked.Done()
			looked.Wait()
		}
	}
	for range 20 {
		all.Go(func() {
			if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(w.Paged) != 1 || w.CountRecords("sign-in") != 1 {
		t.Errorf("%d mails, %d links", len(w.Paged), w.CountRecords("sign-in"))
	}
}

// TestMailSignInOtherLinks: links that were not mailed do not delay a mail; an address
// of two people gets none.
func TestMailSignInOtherLinks(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.LinkToken(w.Person("ana"))
	if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); err != nil || len(w.Paged) != 1 {
		t.Errorf("%d mails, %v", len(w.Paged), err)
	}
	org := bottest.SampleOrganization()
	org.Directory.People[1].Email = "ana@example.com"
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	w.Clock, w.Paged = w.Clock.Add(time.Hour), nil
	if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); err != nil || len(w.Paged) != 0 {
		t.Errorf("%d mails, %v", len(w.Paged), err)
	}
}

// TestMailSignInFails: an error says why no mail was sent.
func TestMailSignInFails(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	if !w.SignIn.CanMail() {
		t.Error("mail is connected")
	}
	w.PagerError = errors.New("connection refused")
	if err := w.SignIn.MailLink(t.Context(), "ana@example.com"); !errors.Is(err, w.PagerError) {
		t.Errorf("the mail was refused: %v", err)
	}
	if err := w.Configure(bottest.SampleOrganization(), map[string]bot.Pager{"sms": w}); err != nil {
		t.Fatal(err)
	}
	if w.SignIn.CanMail() {
		t.Error("mail is not connected")
	}
	if err := w.SignIn.MailLink(t.Context(), "ben@example.com"); err == nil || !strings.Contains(fmt.Sprint(err), "not connected") {
		t.Errorf("mail is not connected: %v", err)
	}
	if err := w.SignIn.MailLink(t.Context(), "eve@example.com"); err != nil {
		t.Errorf("for an unknown address: %v", err)
	}
}
