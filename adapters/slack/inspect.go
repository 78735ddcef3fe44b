package slack

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/bot/platform"

	"github.com/slack-go/slack"
)

// report is how the app is in its workspace, in the order in which it was
// looked at.
type report []platform.Finding

func (r *report) add(g platform.Grade, text, do string) {
	*r = append(*r, platform.Finding{Grade: g, Text: text, Do: do})
}

// Inspect asks Slack how the app is: the tokens, the scopes, the channel of
// announcements, the way in, and the clock. It changes nothing and writes
// nothing.
func (w *Workspace) Inspect(ctx context.Context) []platform.Finding {
	var r report
	if me, ok := w.inspectToken(ctx, &r); ok {
		inspectScopes(&r, me.Scopes)
		w.inspectAnnounce(ctx, &r, me.Scopes)
		w.inspectUser(ctx, &r, me)
	}
	w.inspectWayIn(ctx, &r)
	return r
}

// again is what to do when a scope is missing.
const again = "add it under “OAuth & Permissions” of the app, and install the app again"

// inspectToken asks whose token it is. Slack's answer also tells its time.
func (w *Workspace) inspectToken(ctx context.Context, r *report) (Identity, bool) {
	sent := w.cfg.Now()
	me, header, err := w.API.testToken(ctx, w.API.bot)
	if err != nil {
		do := w.reach()
		if ErrorCode(err) != "" {
			do = "copy the “Bot User OAuth Token” of the app again"
		}
		r.add(platform.Broken, err.Error(), do)
		return me, false
	}
	r.add(platform.Fine, "the token is valid: the app is in "+me.Team+", "+me.URL, "")
	w.inspectClock(r, header, sent, w.cfg.Now())
	return me, true
}

// How far a clock may be off: Slack's signatures are refused when they are five
// minutes old (docs.slack.dev/authentication/verifying-requests-from-slack).
const (
	clockFine   = 30 * time.Second
	clockUsable = 5 * time.Minute
)

// inspectClock compares the clock with Slack's, which tells whole seconds.
func (w *Workspace) inspectClock(r *report, header http.Header, sent, got time.Time) {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	off := sent.Add(got.Sub(sent) / 2).Sub(theirs.Add(time.Second / 2))
	amount := off.Abs().Round(time.Second)
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	text := fmt.Sprintf("the clock is %s %s Slack's", amount, way)
	switch {
	case amount <= clockFine:
		r.add(platform.Fine, "the clock agrees with Slack's", "")
	case amount > clockUsable && w.cfg.SigningSecret != "":
		r.add(platform.Broken, text+": signed requests are refused", "let the machine take its time from NTP")
	default:
		r.add(platform.Limited, text+"; beyond 5m signed requests are refused", "let the machine take its time from NTP")
	}
}

// reach is what to do when Slack does not answer.
func (w *Workspace) reach() string {
	return "see whether " + w.cfg.APIURL + " is reached from here, through the proxy if there is one"
}

func inspectScopes(r *report, granted []string) {
	if len(granted) == 0 {
		r.add(platform.Limited, "Slack does not say which scopes the app has", "compare them with `tocsin slack manifest`")
		return
	}
	missing := lacking(Scopes(), granted)
	for _, s := range missing {
		g := platform.Limited
		if s.Name == chatWrite {
			g = platform.Broken
		}
		r.add(g, "the scope "+s.Name+" is missing: "+s.Without, again)
	}
	if len(missing) == 0 {
		r.add(platform.Fine, fmt.Sprintf("it has all %d scopes that it needs", len(Scopes())), "")
	}
	wanted := names(Scopes())
	unused := slices.DeleteFunc(slices.Clone(granted), func(s string) bool { return slices.Contains(wanted, s) })
	if len(unused) > 0 {
		r.add(platform.Limited, "it has scopes that it does not use: "+strings.Join(unused, ", "), "take them from the app, and install it again")
	}
}

func lacking(all []Scope, granted []string) []Scope {
	return slices.DeleteFunc(all, func(s Scope) bool { return slices.Contains(granted, s.Name) })
}

// inspectUser asks about the token that brings archived channels back.
func (w *Workspace) inspectUser(ctx context.Context, r *report, me Identity) {
	const what = "SLACK_USER_TOKEN, which brings archived channels back, "
	if w.API.user == nil {
		if w.settings.Load().ArchiveAfter > 0 {
			r.add(platform.Fine, "SLACK_USER_TOKEN is not set: an incident that is reopened after its channel was archived goes on in a new one", "")
		}
		return
	}
	who, _, err := w.API.testToken(ctx, w.API.user)
	switch {
	case ErrorCode(err) != "":
		r.add(platform.Limited, what+"is not valid: "+ErrorCode(err), "copy the “User OAuth Token” of the app again, or do without it")
		return
	case err != nil:
		r.add(platform.Limited, what+"could not be tried: "+err.Error(), "run this again")
		return
	case who.TeamID != me.TeamID:
		r.add(platform.Limited, what+"is of another workspace, "+who.Team, "take the one of "+me.Team)
		return
	}
	missing := lacking(UserScopes(), who.Scopes)
	for _, s := range missing {
		r.add(platform.Limited, what+"lacks the scope "+s.Name+": "+s.Without, "add it to the user token's scopes, and install the app again")
	}
	if len(missing) == 0 {
		r.add(platform.Fine, what+"is valid", "")
	}
}

// inspectWayIn looks how commands, buttons and events come.
func (w *Workspace) inspectWayIn(ctx context.Context, r *report) {
	if w.cfg.SigningSecret != "" {
		r.add(platform.Fine, "signed requests are taken at "+CommandsPath+", "+InteractionsPath+" and "+EventsPath, "")
	}
	if w.API.app == nil {
		if w.cfg.SigningSecret == "" {
			r.add(platform.Broken, "commands, buttons and events cannot come: neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set",
				"set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for signed requests")
		}
		return
	}
	err := w.API.call(ctx, call{method: "apps.connections.open", wait: true}, func(ctx context.Context) error {
		_, _, e := w.API.app.StartSocketModeContext(ctx)
		return e
	})
	switch {
	case err == nil:
		r.add(platform.Fine, "Socket Mode opens", "")
	case ErrorCode(err) != "":
		r.add(platform.Broken, "Socket Mode does not open: "+ErrorCode(err),
			"turn Socket Mode on in the app, and copy an app-level token with the scope connections:write into SLACK_APP_TOKEN")
	default:
		r.add(platform.Broken, "Socket Mode does not open: "+err.Error(), w.reach())
	}
}

// inspectAnnounce looks for the channel of announcements.
func (w *Workspace) inspectAnnounce(ctx context.Context, r *report, granted []string) {
	name := w.settings.Load().Announce
	if name == "" {
		r.add(platform.Fine, "incidents are not announced in a channel", "")
		return
	}
	if !slices.Contains(granted, "channels:read") && len(granted) > 0 {
		return // the missing scope has said it
	}
	c, err := w.lookUp(ctx, name)
	switch {
	case err != nil && ErrorCode(err) != "channel_not_found":
		r.add(platform.Limited, "the channel "+name+" could not be looked for: "+err.Error(), "run this again")
	case c == nil && !strings.HasPrefix(name, "#"):
		r.add(platform.Broken, "the app sees no channel "+name+", in which incidents are to be announced", "invite the app into it with /invite, or name another")
	case c == nil:
		r.add(platform.Fine, name+" is made with the first announcement; if it is there already it is private, and the app has to be invited", "")
	case c.IsArchived:
		r.add(platform.Broken, name+", in which incidents are to be announced, is archived", "bring it back, or name another")
	case !c.IsMember:
		r.add(platform.Fine, name+" is there; the app joins it with the first announcement", "")
	default:
		r.add(platform.Fine, "incidents are announced in "+name, "")
	}
}

// lookUp finds a channel by name or ID, archived ones too: their names are
// taken. It is nil where there is none that the app can see.
func (w *Workspace) lookUp(ctx context.Context, name string) (found *slack.Channel, err error) {
	short, named := strings.CutPrefix(name, "#")
	if !named {
		err = w.API.call(ctx, call{method: "conversations.info", wait: true}, func(ctx context.Context) (e error) {
			found, e = w.API.bot.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: name})
			return e
		})
		return found, err
	}
	types := []string{"public_channel", "private_channel"}
	for cursor := ""; ; {
		var page []slack.Channel
		err = w.API.call(ctx, call{method: "conversations.list", wait: true}, func(ctx context.Context) (e error) {
			page, cursor, e = w.API.bot.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: types, Limit: pageSize, Cursor: cursor})
			return e
		})
		if ErrorCode(err) == "missing_scope" && len(types) > 1 { // without groups:read there are the public ones
			types, cursor = types[:1], ""
			continue
		}
		if err != nil {
			return nil, err
		}
		for n := range page {
			if page[n].Name == short && (found == nil || found.IsArchived) {
				found = &page[n]
			}
		}
		if cursor == "" || found != nil && !found.IsArchived {
			return found, nil
		}
	}
}
