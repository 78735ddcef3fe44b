package deadman_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/deadman"
	"tocsin/bot"
)

const secret = "hunter2"

func TestE12Ping(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Method != http.MethodGet {
			t.Errorf("requested with %s", r.Method)
		}
		switch r.URL.Path {
		case "/ok/" + secret:
		case "/moved/" + secret:
			http.Redirect(w, r, "/ok/"+secret, http.StatusFound)
		case "/hangs/" + secret:
			<-r.Context().Done()
		default:
			http.Error(w, "no", http.StatusNotFound)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		address, want string
		requests      int32
	}{
		{server.URL + "/ok/" + secret, "", 1},
		{server.URL + "/moved/" + secret, "it answered 302; redirects are not followed", 1},
		{server.URL + "/gone/" + secret, "it answered 404", 1},
		{server.URL + "/hangs/" + secret, "it did not answer within 5 s", 1},
		{"http://127.0.0.1:1/" + secret, "it cannot be reached", 0},
		{"http://" + secret + ".invalid/", "it cannot be reached", 0},
		{"http://bad host/" + secret, "its address is not usable", 0},
		{secret, "its address is not usable", 0},
		{"ftp://" + secret + "/x", "it cannot be reached", 0},
	} {
		requests.Store(0)
		p := deadman.New(deadman.Config{Client: &http.Client{Timeout: 200 * time.Millisecond}})
		err := p.Ping(t.Context(), c.address)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || requests.Load() != c.requests {
			t.Errorf("%s: %v, %d requests", c.address, err, requests.Load())
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("P4: the error contains the address: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := deadman.New(deadman.Config{}).Ping(ctx, server.URL+"/ok/"+secret); err == nil || bot.IsPermanent(err) || strings.Contains(err.Error(), secret) {
		t.Errorf("canceled: %v", err)
	}
}
