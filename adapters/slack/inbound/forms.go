package inbound

import (
	"context"
	"errors"
	"time"

	slackgo "github.com/slack-go/slack"

	"tocsin/adapters/slack"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// openForm opens a form. A trigger lives three seconds, so a form for which
// something has to be read from the store is opened empty, and filled when that
// is read (docs.slack.dev/surfaces/modals, "Opening modals").
func (s *Server) openForm(ctx context.Context, r request, form dispatch.Form) outcome {
	word, ok := s.app.Catalog().Find(form.Word)
	if !ok {
		return s.carryOut(ctx, r)
	}
	word.Form = access.Fields(r.speaker, word)
	d := s.formData(ctx, r, form)
	reads := r.values != nil || word.IsForIncident()
	view := slack.LoadingView(word, d)
	if !reads {
		view = slack.FormView(word, d)
	}
	id, hash, err := s.workspace.API.OpenView(ctx, r.trigger, view)
	if err != nil {
		return s.answerNotOpened(ctx, r, word, err)
	}
	if !reads {
		return outcome{}
	}
	return outcome{after: func(ctx context.Context, _ bool) { s.fillForm(ctx, r, form, id, hash) }}
}

// formData is what a form is rendered from before anything is read for it.
func (s *Server) formData(ctx context.Context, r request, form dispatch.Form) slack.FormData {
	d := slack.FormData{FormOrigin: slack.FormOrigin{Word: form.Word, Channel: r.to.channel, ResponseURL: r.to.responseURL}}
	if form.Incident != unknownRoom() {
		d.Incident = form.Incident
	}
	d.Choices = func(kind commands.FieldKind) []commands.Choice {
		return s.app.Dispatcher.Choices(ctx, kind, r.speaker)
	}
	return d
}

// answerNotOpened answers when a form could not be opened. A typed line is run,
// and the refusal names the missing arguments. The command of a button is not run,
// because its form would have asked first.
func (s *Server) answerNotOpened(ctx context.Context, r request, word commands.Spec, err error) outcome {
	s.log.WarnContext(ctx, "a form could not be opened", "word", word.Name, "error", err.Error())
	_, later := bot.RetryDelay(err)
	if !later && !bot.IsRefused(err) {
		return s.reply(r, "Slack did not say whether the form was opened. If you do not see it, type the whole command, for example `"+word.Example+"`.")
	}
	if r.typed {
		return s.carryOut(ctx, r)
	}
	return s.reply(r, "Slack did not open the form. Try again, or type the whole command, for example `"+word.Example+"`.")
}

// How often the content of an open form is sent, and how long before it is sent again the
// first time; then twice as long.
const (
	maxFormTries   = 6
	formRetryPause = 250 * time.Millisecond
)

// fillForm fills an open form, or says in its place why there is none. A call that Slack
// could not carry out is repeated: the person looks at an empty form meanwhile.
func (s *Server) fillForm(ctx context.Context, r request, form dispatch.Form, id, hash string) {
	var err error
	for n := range maxFormTries {
		err = s.workspace.API.UpdateView(ctx, id, hash, s.filledView(ctx, r, form))
		switch {
		case err == nil, slack.ErrorCode(err) == "not_found": // closed meanwhile
			return
		case slack.ErrorCode(err) == "hash_conflict": // updated meanwhile: what is read now is newer
			hash = ""
			continue
		}
		wait, later := bot.RetryDelay(err)
		if !later {
			wait = formRetryPause << n
		}
		if bot.IsRefused(err) || sleep(ctx, wait) != nil {
			break
		}
	}
	s.log.WarnContext(ctx, "a form could not be updated", "word", form.Word, "error", err.Error())
	s.sendAnswer(ctx, r.to, slack.RenderReply("The form could not be loaded: Slack did not accept it. Close it and try again."))
}

// filledView is the form with what had to be read for it; or the refusal, where
// the person may not use it.
func (s *Server) filledView(ctx context.Context, r request, form dispatch.Form) slackgo.ModalViewRequest {
	word, _ := s.app.Catalog().Find(form.Word)
	word.Form = access.Fields(r.speaker, word)
	if form.Incident == unknownRoom() {
		room, err := s.incidentOf(ctx, r.to.channel)
		if err != nil {
			return slack.RefusalView(word, s.failureText(ctx, err))
		}
		if room == "" { // the reply asks which incident is meant
			reply, _ := s.run(ctx, dispatch.Request{Text: r.line, Speaker: r.speaker})
			return slack.RefusalView(word, reply.Text)
		}
		form.Incident = room
	}
	d := s.formData(ctx, r, form)
	if form.Incident != "" {
		i, err := s.app.Incidents.Get(ctx, form.Incident, r.speaker)
		if refusal, ok := errors.AsType[*workflow.Refusal](err); ok {
			return slack.RefusalView(word, refusal.Error())
		}
		if err != nil {
			return slack.RefusalView(word, s.failureText(ctx, err))
		}
		d.Values = currentValues(word, i)
	}
	if r.values != nil {
		d.Values = r.values(ctx)
	}
	return slack.FormView(word, d)
}

// currentValues are the values of an incident that a form corrects.
func currentValues(word commands.Spec, i workflow.Incident) map[string][]string {
	if word.Name != "edit" {
		return nil
	}
	return map[string][]string{"title": {i.Title}, "category": {i.Category}}
}
