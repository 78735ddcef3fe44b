package web

import (
	"context"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/bot/incidents"
	"tocsin/bot/outbound"
	"tocsin/bot/signin"
	"tocsin/commands"
	"tocsin/workflow"
)

// Engine returns the current configuration, the words that people type and the
// time. *bot.Engine implements it.
type Engine interface {
	access.Viewer
	// Organization returns the current configuration.
	Organization() *bot.Organization
	// Now returns the time, in UTC.
	Now() time.Time
}

// IncidentReader reads incidents. *incidents.Reader implements it.
type IncidentReader interface {
	// ListOpen returns the first open incidents by need, private ones too.
	ListOpen(ctx context.Context, limit int) ([]workflow.Incident, error)
	// Census counts all open incidents.
	Census(ctx context.Context) (incidents.Census, error)
	// List returns the incidents that match and that the speaker may see, by
	// need, and where the next page begins; zero when there is none.
	List(ctx context.Context, s access.Speaker, q incidents.Filter) ([]workflow.Incident, incidents.Cursor, error)
	// Get returns one incident, or a *workflow.Refusal when it does not exist
	// for the speaker.
	Get(ctx context.Context, id string, s access.Speaker) (workflow.Incident, error)
	// History returns the events after a number, oldest first.
	History(ctx context.Context, id string, s access.Speaker, after int) ([]workflow.Event, error)
}

// MessageReader reads the conversation of an incident.
// *conversation.Recorder implements it.
type MessageReader interface {
	// List returns at most limit messages, oldest first: those before a number,
	// or the newest for 0.
	List(ctx context.Context, id string, s access.Speaker, before, limit int) ([]bot.Message, error)
}

// Dispatcher runs what people type and press. *dispatch.Dispatcher implements
// it.
type Dispatcher interface {
	// Run runs a command.
	Run(ctx context.Context, r dispatch.Request) (dispatch.Reply, error)
	// WriteMessage adds a message to the conversation of the request's room.
	WriteMessage(ctx context.Context, r dispatch.Request) (dispatch.Reply, error)
	// Acknowledge acknowledges an incident whose state the speaker saw as of the
	// event number seen.
	Acknowledge(ctx context.Context, incident string, s access.Speaker, seen int) (dispatch.Reply, error)
	// Complete returns the completions of a command line.
	Complete(ctx context.Context, r dispatch.Request) []commands.Completion
	// Choices returns the values of a form's field.
	Choices(ctx context.Context, kind commands.FieldKind, s access.Speaker) []commands.Choice
}

// SignInLinks reads, uses and mails links that start a session.
// *signin.Service implements it.
type SignInLinks interface {
	// ReadLink returns what a link does, without using it up.
	ReadLink(ctx context.Context, token string) (signin.Link, error)
	// SignIn uses a link up and starts a session.
	SignIn(ctx context.Context, token string, who signin.Session) (s signin.Session, secret string, err error)
	// CanMail reports whether links can be mailed.
	CanMail() bool
	// MailLink mails a link to the person with this address, if there is one.
	MailLink(ctx context.Context, address string) error
}

// Sessions reads and ends sessions. *signin.Service implements it.
type Sessions interface {
	// Session returns the session of a secret and its speaker, or
	// [signin.ErrNoSession].
	Session(ctx context.Context, secret string) (signin.Session, access.Speaker, error)
	// Sessions returns the sessions that the speaker may end.
	Sessions(ctx context.Context, s access.Speaker) ([]signin.Session, error)
	// Revoke ends one session, or all of the speaker's for "all", and returns
	// how many it ended.
	Revoke(ctx context.Context, s access.Speaker, id string) (int, error)
}

// PageLinks reads the links by which a page is acknowledged.
// *signin.PageLinks implements it.
type PageLinks interface {
	// Read returns the incident and the person of a link.
	Read(token string) (signin.PageLink, error)
	// Speaker returns who acts through a link.
	Speaker(p signin.PageLink) (s access.Speaker, ok bool)
}

// OutageReader says which chat platforms do not answer. *outbound.Health
// implements it.
type OutageReader interface {
	// Outage returns the outage of a platform; ok is false when there is none.
	Outage(platform string) (o outbound.Outage, ok bool)
	// Summary names all outages: two equal summaries mean the same outages.
	Summary() string
}

// Watcher reports changes, as [bot.Library] does.
type Watcher interface {
	// Watch returns a channel that receives after an incident, or any for "",
	// has changed. It stops when ctx ends.
	Watch(ctx context.Context, incident string) <-chan struct{}
}
