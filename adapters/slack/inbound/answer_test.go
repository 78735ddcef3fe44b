package inbound

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// TestAnswerFallbacks: an answer that the response URL does not take is shown in the
// channel, or else sent as a direct message.
func TestAnswerFallbacks(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.ackTimeout = 10 * time.Millisecond
	d.slack.Fail("response_url", slacktest.Fault{Status: 404})
	d.slack.Fail("response_url", slacktest.Fault{CutBefore: true})
	late := func(text string) {
		d.t.Helper()
		_, release := d.store.hold()
		d.slash(d.ana, d.lobby, text)
		release()
	}
	late("declare Checkout is down")
	d.waitForAnswer(d.ana, "INC-1: Declared")
	d.slack.Fail("chat.postEphemeral", slacktest.Fault{Error: "channel_not_found"})
	late("declare Search is slow")
	d.eventually("ana has a message", func() bool {
		return slices.ContainsFunc(d.slack.Posts(d.slack.Direct(d.ana).ID), func(m slacktest.Message) bool { return strings.Contains(m.Plain(), "INC-2: Declared") })
	})
}
