package inbound

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/bot"
	"tocsin/bot/directory"
)

// TestMenuOfMany: a menu of more options than Slack lists is searched. When nothing
// matches, the response is an empty list.
func TestMenuOfMany(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way, func(_ *testServer, org *bot.Organization) {
			for n := range 150 {
				org.Directory.People = append(org.Directory.People, directory.Person{ID: fmt.Sprintf("p%d", n), Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("p%d@example.com", n)})
			}
		})
		d.declare("Checkout is down --service checkout")
		if typed := d.slack.Slash(d.ana, d.lobby, "/incident", "page INC-1"); typed.Err != nil {
			t.Fatal(typed.Err)
		}
		d.eventually("the form is filled", func() bool { return strings.Contains(string(d.slack.Modal(d.ana).Blocks), "external_select") })
		for typed, want := range map[string]string{"Person 14": "@p14 @p140 @p141 @p142 @p143 @p144 @p145 @p146 @p147 @p148 @p149", "team": "team:all", "nobody": ""} {
			found := d.slack.Suggest(d.ana, d.slack.Modal(d.ana).ID, "who", "v", typed)
			if found.Err != nil || strings.Join(found.Options, " ") != want {
				t.Errorf("%q suggests %q, want %q: %v %s", typed, found.Options, want, found.Err, found.Response)
			}
			if typed == "nobody" && strings.TrimSpace(string(found.Response)) != `{"options":[]}` {
				t.Errorf("it is answered with %s", found.Response)
			}
		}
	})
}
