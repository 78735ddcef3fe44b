package email_test

import (
	"log/slog"
	"testing"

	"tocsin/adapters/email"
	"tocsin/adapters/email/smtptest"
	"tocsin/bot/bottest"
)

func TestConformance(t *testing.T) {
	bottest.Pager(t, func(t *testing.T) bottest.PagerFixture {
		server := smtptest.Start(t)
		host, port := server.HostPort()
		p, err := email.New(email.Config{Host: host, Port: port, From: "tocsin@example.com"}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return bottest.PagerFixture{Pager: p, Address: "ana@example.com", Received: func() []bottest.ReceivedPage {
			var all []bottest.ReceivedPage
			for _, m := range server.Messages() {
				all = append(all, bottest.ReceivedPage{ID: m.Header.Get("Message-Id"), Text: m.Subject + "\n" + m.Text + "\n" + m.HTML})
			}
			return all
		}}
	})
}
