package access_test

import (
	"slices"
	"testing"

	"tocsin/bot/access"
	"tocsin/commands"
)

// TestP1Fields: a form asks a speaker only for what they may give (P1: access is checked
// first).
func TestP1Fields(t *testing.T) {
	has := func(s access.Speaker, command, field string) bool {
		w, _ := commands.New().Find(command)
		return slices.ContainsFunc(access.Fields(s, w), func(f commands.Field) bool { return f.Name == field })
	}
	responder := access.Speaker{Person: "eve", Access: commands.Responder}
	commander := access.Speaker{Person: "eve", Access: commands.Commander}
	guest := access.Speaker{Handle: "square:U1", Access: commands.Admin}
	for _, c := range []struct {
		speaker        access.Speaker
		command, field string
		want           bool
	}{
		{responder, "close", "force", false},
		{responder, "close", "reason", true},
		{commander, "close", "force", true},
		{responder, "declare", "private", true},
		{guest, "declare", "private", false},
		{guest, "declare", "title", true},
	} {
		if got := has(c.speaker, c.command, c.field); got != c.want {
			t.Errorf("%+v, %s, field %s: %t, want %t", c.speaker, c.command, c.field, got, c.want)
		}
	}
}
