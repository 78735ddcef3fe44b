package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/webhook"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

func TestConformance(t *testing.T) {
	bottest.Pager(t, func(t *testing.T) bottest.PagerFixture {
		var mu sync.Mutex
		var got []bottest.ReceivedPage
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, bottest.ReceivedPage{ID: r.Header.Get("webhook-id"), Text: string(body)})
		}))
		t.Cleanup(receiver.Close)
		const secret = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0LXN1aXRl"
		p := webhook.New(webhook.Config{Hooks: []bot.Webhook{{Name: "noc", URL: receiver.URL, Secret: secret}}, Now: time.Now})
		return bottest.PagerFixture{Pager: p, Address: "noc", Secrets: []string{secret}, Received: func() []bottest.ReceivedPage {
			mu.Lock()
			defer mu.Unlock()
			return append([]bottest.ReceivedPage{}, got...)
		}}
	})
}
