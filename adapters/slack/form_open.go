package slack

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// offer opens a form. A trigger lives three seconds, so that a form for which
// something has to be read first is opened empty, and drawn when that is known
// (docs.slack.dev/surfaces/modals, "Opening modals").
func (w *Workspace) offer(ctx context.Context, a ask, form dispatch.Form) answer {
	word, ok := w.app.Catalog().Find(form.Word)
	if !ok {
		return w.carryOut(ctx, a)
	}
	d := w.blank(ctx, a, form)
	reads := a.values != nil || word.IsForIncident()
	view := formLoading(word, d)
	if !reads {
		view = formView(word, d)
	}
	var opened *slack.ViewResponse
	err := w.call(ctx, call{method: "views.open", wait: true}, func(ctx context.Context) (e error) {
		opened, e = w.api.OpenViewContext(ctx, a.trigger, view)
		return e
	})
	if err != nil {
		return w.notOpened(ctx, a, word, err)
	}
	if !reads {
		return answer{}
	}
	return answer{after: func(ctx context.Context, _ bool) { w.draw(ctx, a, form, opened.View.ID, opened.View.Hash) }}
}

// blank is a form that nothing has been read for.
func (w *Workspace) blank(ctx context.Context, a ask, form dispatch.Form) formData {
	d := formData{formOrigin: formOrigin{Word: form.Word, Channel: a.from.channel, Respond: a.from.respond}}
	if form.Incident != unknownRoom {
		d.Incident = form.Incident
	}
	d.Choices = func(kind commands.FieldKind) []commands.Choice {
		return w.app.Dispatcher.Choices(ctx, kind, a.speaker)
	}
	return d
}

// notOpened answers when a form could not be opened. A line that was typed says
// itself what it lacks. What was pressed is not carried out: whoever pressed it
// was to be asked first.
func (w *Workspace) notOpened(ctx context.Context, a ask, word commands.Spec, err error) answer {
	w.cfg.Log.WarnContext(ctx, "a form could not be opened", "word", word.Name, "error", err.Error())
	_, later := bot.RetryDelay(err)
	if !later && !bot.IsPermanent(err) {
		return w.reply(a, "Slack did not say whether the form was opened. If you do not see it, type it whole, for example `"+word.Example+"`.")
	}
	if a.carries {
		return w.carryOut(ctx, a)
	}
	return w.reply(a, "Slack did not open the form. Press it again, or type it, for example `"+word.Example+"`.")
}

// draw fills an open form, or says in its place why there is none.
func (w *Workspace) draw(ctx context.Context, a ask, form dispatch.Form, id, hash string) {
	for range 2 {
		view := w.filled(ctx, a, form)
		err := w.call(ctx, call{method: "views.update", wait: true}, func(ctx context.Context) error {
			_, e := w.api.UpdateViewContext(ctx, view, "", hash, id)
			return e
		})
		switch {
		case err == nil:
			return
		case code(err) == "hash_conflict": // drawn meanwhile: what is read now is newer
			hash = ""
		case code(err) == "not_found": // closed meanwhile
			return
		default:
			w.cfg.Log.WarnContext(ctx, "a form could not be drawn", "word", form.Word, "error", err.Error())
			w.tell(ctx, a.from, sayReply("The form could not be filled: Slack did not take it. Close it, and try again."))
			return
		}
	}
}

// filled is the form with what had to be read for it; or, when it is not for
// whoever asked, what they read instead.
func (w *Workspace) filled(ctx context.Context, a ask, form dispatch.Form) slack.ModalViewRequest {
	b := w.app
	word, _ := b.Catalog().Find(form.Word)
	if form.Incident == unknownRoom {
		room, err := w.room(ctx, a.from.channel)
		if err != nil {
			return refusalView(word, w.sorry(ctx, err))
		}
		if room == "" { // which incident is meant, the language asks
			reply, _ := w.run(ctx, dispatch.Request{Text: a.line, Speaker: a.speaker})
			return refusalView(word, reply.Text)
		}
		form.Incident = room
	}
	d := w.blank(ctx, a, form)
	if form.Incident != "" {
		i, err := b.Incidents.Get(ctx, form.Incident, a.speaker)
		if no, is := errors.AsType[*workflow.Refusal](err); is {
			return refusalView(word, no.Error())
		}
		if err != nil {
			return refusalView(word, w.sorry(ctx, err))
		}
		d.Values = present(word, i)
	}
	if a.values != nil {
		d.Values = a.values(ctx)
	}
	return formView(word, d)
}

// present is what a form about an incident is filled in with: what is true now,
// where it may be corrected.
func present(word commands.Spec, i workflow.Incident) map[string][]string {
	if word.Name != "edit" {
		return nil
	}
	return map[string][]string{"title": {i.Title}, "category": {i.Category}}
}

// refusalView says in the place of a form why there is none.
func refusalView(word commands.Spec, reply string) slack.ModalViewRequest {
	blocks, _ := renderReply(strings.TrimSpace(reply))
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(titleOf(word.Name), longTitle), Close: plain("Close", longTitle), Blocks: slack.Blocks{BlockSet: blocks},
	}
}
