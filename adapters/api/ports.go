package api

import (
	"context"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/dispatch"
	"tocsin/bot/incidents"
	"tocsin/bot/intake"
	"tocsin/bot/jobs"
	"tocsin/commands"
	"tocsin/workflow"
)

// Engine returns the current configuration and the words that people type.
// *bot.Engine implements it.
type Engine interface {
	// Organization returns the current configuration.
	Organization() *bot.Organization
	// Catalog returns the words that people type.
	Catalog() commands.Catalog
	// RunningPlans returns the open incidents and the plans that they have.
	RunningPlans(ctx context.Context) (bot.RunningPlans, error)
}

// IncidentReader reads incidents. For one that does not exist for the speaker
// its methods return a *workflow.Refusal. *incidents.Reader implements it.
type IncidentReader interface {
	// List returns the incidents that match and that the speaker may see,
	// by need, and where the next page begins; zero when there is none.
	List(ctx context.Context, s access.Speaker, q incidents.Filter) ([]workflow.Incident, incidents.Cursor, error)
	// Get returns one incident.
	Get(ctx context.Context, id string, s access.Speaker) (workflow.Incident, error)
	// History returns the events after a number, oldest first.
	History(ctx context.Context, id string, s access.Speaker, after int) ([]workflow.Event, error)
	// Timeline returns a line for each event, oldest first, with times in the
	// speaker's zone.
	Timeline(ctx context.Context, id string, s access.Speaker) ([]incidents.Entry, error)
}

// MessageReader reads the conversation of an incident.
// *conversation.Recorder implements it.
type MessageReader interface {
	// List returns at most limit messages, oldest first: those before a number,
	// or the newest for 0.
	List(ctx context.Context, id string, s access.Speaker, before, limit int) ([]bot.Message, error)
}

// Dispatcher runs commands. *dispatch.Dispatcher implements it.
type Dispatcher interface {
	// Run runs a command, once for its operation ID.
	Run(ctx context.Context, r dispatch.Request) (dispatch.Reply, error)
}

// DeadLetters keeps deliveries of alerts that could not be read.
// *intake.Receiver implements it.
type DeadLetters interface {
	// DeadLetters returns all dead letters, oldest first, without their bodies.
	DeadLetters(ctx context.Context) ([]intake.DeadLetter, error)
	// Replay reads a dead letter again and removes it.
	Replay(ctx context.Context, id string) ([]alerts.Receipt, error)
	// Discard removes a dead letter.
	Discard(ctx context.Context, id string) error
}

// JobLister lists the recurring jobs. *jobs.Ledger implements it.
type JobLister interface {
	// List returns every configured job with its last and next slot.
	List(ctx context.Context) ([]jobs.State, error)
}
