package bot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
)

// smsPager pages by the HTTP interface of a provider.
type smsPager struct{ provider string }

// Page implements [bot.Pager]. The provider sends one message per reference, so the
// page's key is the reference: a page that comes twice after a crash arrives once.
func (p smsPager) Page(ctx context.Context, page bot.Page) error {
	form := url.Values{"to": {page.Address}, "text": {card.Text(page.Content)}, "reference": {page.Key}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.provider, strings.NewReader(form.Encode()))
	if err != nil {
		return bot.Permanent(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("page by SMS: %w", err) // unknown, so tried again
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusAccepted:
		return nil // the provider has it
	case http.StatusUnprocessableEntity:
		return bot.Permanent(errors.New("the provider does not know this number"))
	case http.StatusTooManyRequests:
		return bot.RetryAfter(30*time.Second, errors.New("the provider is busy"))
	}
	return fmt.Errorf("page by SMS: status %d", answer.StatusCode)
}

// A pager hands a page to a provider and says what came of it: nil when the provider
// accepted it, [bot.Permanent] when the next contact method has to do, [bot.RetryAfter]
// when the provider said so, and any other error when the page is tried again.
func ExamplePager() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("to") {
		case "+3561":
			w.WriteHeader(http.StatusAccepted)
		case "+3562":
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	defer provider.Close()
	var pager bot.Pager = smsPager{provider.URL}
	for _, number := range []string{"+3561", "+3562", "12"} {
		err := pager.Page(context.Background(), bot.Page{
			Key: "INC-7/1.0.0.0/ana/sms", Person: "ana", Name: "Ana Silva", Via: "sms", Address: number,
			Content: card.Content{Title: "INC-7 SEV1 · Checkout is down"},
		})
		wait, later := bot.RetryDelay(err)
		switch {
		case err == nil:
			fmt.Println(number, "accepted")
		case later:
			fmt.Println(number, "again in", wait)
		case bot.IsPermanent(err):
			fmt.Println(number, "refused for good:", err)
		}
	}
	// Output:
	// +3561 accepted
	// +3562 again in 30s
	// 12 refused for good: the provider does not know this number
}
