package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// mention takes what follows our name for a command
// (docs.slack.dev/reference/events/app_mention).
func (w *Workspace) mention(e event) (task, error) {
	var m message
	if err := json.Unmarshal(e.Event, &m); err != nil {
		return task{}, fmt.Errorf("read a mention: %w", err)
	}
	if w.isOurs(e, m) || m.Bot != "" || m.User == "" || m.Edited != nil {
		return task{}, nil
	}
	return w.spoken(e, m, afterName(e, m.Text)), nil
}

// afterName is what follows our name in a text.
func afterName(e event, text string) string {
	for _, a := range e.Authorize {
		if _, after, found := strings.Cut(text, "<@"+a.User); found && a.User != "" {
			_, after, _ = strings.Cut(after, ">")
			return after
		}
	}
	if strings.HasPrefix(text, "<@") {
		_, text, _ = strings.Cut(text, ">")
	}
	return text
}

// hello is what somebody reads who has said our name and nothing else.
const hello = "Say what to do: `declare Checkout is down --sev 2`, or in an incident's room `ack`, `update TEXT`, `resolve`.\n`help` lists the words; `/incident` opens a form."

// spoken carries a command out that was said in a message, and answers below it;
// between the two of us, beside it.
func (w *Workspace) spoken(e event, m message, text string) task {
	return task{do: func(ctx context.Context) answer {
		room, err := w.room(ctx, m.Channel)
		if err != nil {
			return answer{failed: err}
		}
		line := strings.TrimSpace(w.typed(ctx, text))
		reply := dispatch.Reply{OK: true, Text: hello}
		if line != "" {
			r := dispatch.Request{Text: line, Room: room, Speaker: w.speaker(ctx, m.User, m.User), Operation: operationOf(e.ID, "")}
			if reply, err = w.app.Dispatcher.Run(ctx, r); err != nil {
				return answer{failed: err}
			}
		}
		to := asker{key: "reply/" + e.ID, user: m.User, channel: m.Channel, thread: m.Thread}
		s := sayReply(reply.Text)
		alone := strings.HasPrefix(m.Channel, "D")
		if !alone {
			if hidden, e := w.hides(ctx, line, reply, m.Channel); hidden || e != nil {
				return answer{after: func(ctx context.Context, _ bool) { w.tell(ctx, to, s) }}
			}
			to.thread = firstOf(m.Thread, m.TS)
		}
		_, _, err = w.write(ctx, writing{key: to.key, channel: m.Channel, thread: to.thread, again: e.retry > 0, since: timeOf(m.TS), wait: true, said: &s})
		if bot.IsPermanent(err) {
			return answer{after: func(ctx context.Context, _ bool) { w.tell(ctx, to, s) }}
		}
		return answer{failed: err}
	}}
}

// named finds incidents in an answer.
var named = regexp.MustCompile(`INC-\d+`)

// mostNamed is how many incidents of an answer are looked at.
const mostNamed = 100

// hides reports whether an answer is for whoever asked alone, and not for a
// channel: it is about where they are signed in, or names an incident that not
// everybody sees and whose room this is not (rule P2). One that is not there is
// answered like one that is hidden.
func (w *Workspace) hides(ctx context.Context, line string, reply dispatch.Reply, channel string) (bool, error) {
	words := strings.Fields(line)
	if slices.ContainsFunc(words[:min(2, len(words))], func(word string) bool { return strings.EqualFold(strings.TrimPrefix(word, "/"), "web") }) {
		return true, nil
	}
	if strings.Contains(reply.Text, "/sign-in/") {
		return true, nil
	}
	all := named.FindAllString(reply.Text+" "+reply.Incident, -1)
	if len(all) > mostNamed {
		return true, nil
	}
	for _, id := range all {
		i, err := w.app.Incidents.Get(ctx, id, access.Speaker{})
		if err == nil {
			continue
		}
		if _, no := errors.AsType[*workflow.Refusal](err); !no {
			return true, err
		}
		if r, is := i.Room(Platform); !is || r.ID != channel || !r.Private { // a room that it has left is not private
			return true, nil
		}
	}
	return false, nil
}
