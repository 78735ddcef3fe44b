package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tocsin/adapters/console"
	"tocsin/bot"
)

// TestHintsReachTheSameServer: a command that is shown to be copied has the flags of the
// server that showed it, or of the call that it answers.
func TestHintsReachTheSameServer(t *testing.T) {
	const data = "its data/tocsin"
	s := server{address: "http://127.0.0.1:9999", flags: serveFlags{listen: "127.0.0.1:9999", data: data}}
	want := " --server http://127.0.0.1:9999 --data 'its data/tocsin'"
	if got := s.clientFlags(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s = server{address: "http://" + defaultListen, flags: serveFlags{listen: defaultListen, data: defaultData}}
	if got := s.clientFlags(); got != "" {
		t.Errorf("with the defaults: %q", got)
	}
	var terminal bytes.Buffer
	page := bot.Page{Key: "k", Incidents: []bot.PagedIncident{{ID: "INC-1", Title: "Checkout is down"}}}
	if err := console.New(console.Config{Terminal: &terminal, Flags: want}).Page(t.Context(), page); err != nil {
		t.Error(err)
	}
	if got := terminal.String(); !strings.Contains(got, "tocsin run"+want+` "ack INC-1"`) {
		t.Errorf("%q", got)
	}

	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte(`{"error": {"code": "not_found", "message": "There is no dead letter x.", "hint": "` + "`tocsin deadletter list`" + ` shows them."}}`))
	}))
	t.Cleanup(refuse.Close)
	t.Setenv("TOCSIN_API_TOKEN", "a-token-of-the-test")
	c := client{server: refuse.URL, data: data}
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	wantText(t, c.runCommand(cmd, "show x", "", ""), "`tocsin deadletter list --server "+refuse.URL+" --data 'its data/tocsin'`")
}
