package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"tocsin/bot"
)

// TestMessages: the conversation is read page by page, none twice and none left out.
func TestMessages(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(adminToken, "declare Checkout is down --sev 1")
	const count = 450
	for n := range count {
		m := bot.Message{At: h.bot.Now(), Person: "ben", Name: "Ben Okafor", Text: fmt.Sprint("message ", n)}
		if err := h.bot.Conversation.Append(t.Context(), "INC-1", fmt.Sprint("key/", n), m); err != nil {
			t.Fatal(err)
		}
	}
	next, query := count, ""
	for range count {
		var page struct {
			Messages []struct {
				Seq  int
				Text string
			}
			Before int
		}
		h.get("/api/v1/incidents/INC-1/messages"+query, anaToken).into(http.StatusOK, &page)
		for n := len(page.Messages) - 1; n >= 0 && next > 0; n-- {
			next--
			if want := fmt.Sprint("message ", next); page.Messages[n].Text != want {
				t.Fatalf("%q, want %q", page.Messages[n].Text, want)
			}
		}
		if page.Before == 0 {
			break
		}
		query = fmt.Sprint("?before=", page.Before)
	}
	if next != 0 {
		t.Errorf("%d messages are missing", next)
	}
	h.get("/api/v1/incidents/INC-1/messages?before=x", anaToken).problem(http.StatusBadRequest, "bad_value")
	h.get("/api/v1/incidents/INC-1/messages", guestToken).problem(http.StatusForbidden, "forbidden")
}
