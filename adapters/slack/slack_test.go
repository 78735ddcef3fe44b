package slack

import (
	"slices"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestConfigure: settings and organization are those of the last call; without new
// settings the old ones stay.
func TestConfigure(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	org := bottest.SampleOrganization()
	for _, c := range []struct {
		settings any
		url      string
		announce bool
	}{
		{nil, "https://one.example.com", true},
		{&Settings{Announce: "none", ArchiveAfter: time.Hour}, "https://two.example.com", false},
		{nil, "https://three.example.com", false},
	} {
		org.URL = c.url
		h.Configure(c.settings, org)
		if got := h.Messages.renderOptions(t.Context(), outgoing{incident: "INC-7"}).MoreURL; got != c.url+"/incidents/INC-7" {
			t.Errorf("with %s the rest of a message is at %s", c.url, got)
		}
		if p := h.Platform(); slices.Contains(p.Steps, workflow.StepAnnounce) != c.announce {
			t.Errorf("with %+v the platform is %+v", c.settings, p)
		}
	}
}
