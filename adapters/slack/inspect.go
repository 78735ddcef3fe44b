package slack

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/platform"
	"tocsin/workflow"
)

// report is the list of findings, in the order in which they were made.
type report []platform.Finding

func (r *report) add(g platform.Grade, text, do string) {
	*r = append(*r, platform.Finding{Grade: g, Text: text, Do: do})
}

// Inspect checks the app's tokens and scopes, the channel of announcements, the
// transports, and the clock, for `tocsin doctor`. It changes nothing on Slack.
func (w *Workspace) Inspect(ctx context.Context) []platform.Finding {
	var r report
	if me, ok := w.inspectToken(ctx, &r); ok {
		inspectScopes(&r, me.Scopes)
		w.inspectAnnounce(ctx, &r, me.Scopes)
		w.inspectPagedChannels(ctx, &r)
		w.inspectUser(ctx, &r, me)
	}
	w.inspectTransports(ctx, &r)
	return r
}

// reinstallAdvice is what to do when a scope is missing.
const reinstallAdvice = "add it under “OAuth & Permissions” of the app, and install the app again"

// inspectToken checks the bot token, and the clock by the time in Slack's response.
func (w *Workspace) inspectToken(ctx context.Context, r *report) (Identity, bool) {
	sent := w.cfg.Now()
	me, header, err := w.API.testToken(ctx, w.API.bot)
	if err != nil {
		do := w.reachAdvice()
		if ErrorCode(err) != "" {
			do = "copy the “Bot User OAuth Token” of the app again"
		}
		r.add(platform.Broken, cmp.Or(bot.BlockedReason(err), err.Error()), do)
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

// inspectClock compares the clock with Slack's, which is in whole seconds.
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
	text := fmt.Sprintf("the clock is %s %s Slack's", workflow.FormatDuration(amount), way)
	switch {
	case amount <= clockFine:
		r.add(platform.Fine, "the clock agrees with Slack's", "")
	case amount > clockUsable && w.cfg.SigningSecret != "":
		r.add(platform.Broken, text+": signed requests are refused", "let the machine take its time from NTP")
	default:
		r.add(platform.Limited, text+"; beyond 5 min signed requests are refused", "let the machine take its time from NTP")
	}
}

// reachAdvice is what to do when Slack does not answer.
func (w *Workspace) reachAdvice() string {
	return "see whether " + w.cfg.APIURL + " is reached from here, through the proxy if there is one"
}

// inspectScopes compares the scopes of the bot token with those that the app needs.
func inspectScopes(r *report, granted []string) {
	if len(granted) == 0 {
		r.add(platform.Limited, "Slack does not say which scopes the app has", "compare them with `tocsin slack manifest`")
		return
	}
	missing := missingScopes(Scopes(), granted)
	for _, s := range missing {
		g := platform.Limited
		if s.Name == chatWrite {
			g = platform.Broken
		}
		r.add(g, "the scope "+s.Name+" is missing: "+s.Without, reinstallAdvice)
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

// missingScopes returns those of the scopes that were not granted.
func missingScopes(all []Scope, granted []string) []Scope {
	return slices.DeleteFunc(all, func(s Scope) bool { return slices.Contains(granted, s.Name) })
}

// inspectUser checks the user token, which unarchives channels.
func (w *Workspace) inspectUser(ctx context.Context, r *report, me Identity) {
	const what = "SLACK_USER_TOKEN, which unarchives channels, "
	if w.API.user == nil {
		if w.settings.Load().ArchiveAfter > 0 {
			r.add(platform.Fine, "SLACK_USER_TOKEN is not set: an incident that is reopened after its channel was archived continues in a new one", "")
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
	missing := missingScopes(UserScopes(), who.Scopes)
	for _, s := range missing {
		r.add(platform.Limited, what+"lacks the scope "+s.Name+": "+s.Without, "add it to the user token's scopes, and install the app again")
	}
	if len(missing) == 0 {
		r.add(platform.Fine, what+"is valid", "")
	}
}

// inspectTransports checks the ways in which commands, buttons and events come.
func (w *Workspace) inspectTransports(ctx context.Context, r *report) {
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
	err := w.API.call(ctx, call{method: "apps.connections.open", wait: true, other: true}, func(ctx context.Context) error {
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
		r.add(platform.Broken, "Socket Mode does not open: "+err.Error(), w.reachAdvice())
	}
}

// inspectAnnounce checks the channel of announcements.
func (w *Workspace) inspectAnnounce(ctx context.Context, r *report, granted []string) {
	name := w.settings.Load().Announce
	if name == "" {
		r.add(platform.Fine, "incidents are not announced in a channel", "")
		return
	}
	if !slices.Contains(granted, "channels:read") && len(granted) > 0 {
		return // the finding of the missing scope says it
	}
	c, err := w.lookUp(ctx, name)
	switch {
	case err != nil && ErrorCode(err) != "channel_not_found":
		r.add(platform.Limited, "the channel "+name+" could not be searched for: "+err.Error(), "run this again")
	case c == nil && !strings.HasPrefix(name, "#"):
		r.add(platform.Broken, "the app sees no channel "+name+", in which incidents are to be announced", "invite the app into it with /invite, or name another")
	case c == nil:
		r.add(platform.Fine, name+" is made with the first announcement; if it is there already it is private, and the app has to be invited", "")
	case c.IsArchived:
		r.add(platform.Broken, name+", in which incidents are to be announced, is archived", "unarchive it, or name another")
	case !c.IsMember:
		r.add(platform.Fine, name+" is there; the app joins it with the first announcement", "")
	default:
		r.add(platform.Fine, "incidents are announced in "+name, "")
	}
}

// inspectPagedChannels checks the channels that are targets: of policies, of jobs, and the
// catch-all.
func (w *Workspace) inspectPagedChannels(ctx context.Context, r *report) {
	for _, t := range w.organization.Load().Targets() {
		address, ok := strings.CutPrefix(string(t), "room:"+Platform+":")
		if !ok {
			continue
		}
		name := channelRef(address)
		if name == w.settings.Load().Announce {
			continue // the finding of the announcements says it
		}
		c, err := w.lookUp(ctx, name)
		switch {
		case err != nil && ErrorCode(err) != "channel_not_found":
			r.add(platform.Limited, "the channel "+name+", which is paged, could not be searched for: "+err.Error(), "run this again")
		case c == nil:
			r.add(platform.Broken, "the app sees no channel "+name+", which is paged", "create it, or invite the app into it with /invite if it is private")
		case c.IsArchived:
			r.add(platform.Broken, "the channel "+name+", which is paged, is archived", "unarchive it, or page another")
		case !c.IsMember:
			r.add(platform.Fine, name+", which is paged, is there; the app joins it with the first page", "")
		default:
			r.add(platform.Fine, name+" can be paged", "")
		}
	}
}

// lookUp finds a channel by name or ID, also an archived one, whose name is taken. It
// is nil when the app sees no such channel.
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
		if ErrorCode(err) == "missing_scope" && len(types) > 1 { // without groups:read only public channels can be listed
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
