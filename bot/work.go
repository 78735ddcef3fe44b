package bot

import (
	"time"

	"tocsin/workflow"
)

// Work is a task that is due, as the agenda passes it to the package that carries it
// out.
type Work struct {
	Lease
	Action workflow.Action
	// Incident is the incident as it was stored when the work was passed on. It is
	// zero (Status "") when the store could not be read: a page is sent nevertheless
	// (E3: check again before each send).
	Incident workflow.Incident
}

// HeldWork is work that is held back until a time.
type HeldWork struct {
	Work
	Until time.Time
}

// CanSend reports whether the lease covers a send that begins at an instant and may
// take so long. A worker whose lease does not cover it must not send (X2: replicas
// never act twice).
func (w Work) CanSend(at time.Time, send time.Duration) bool { return at.Add(send).Before(w.Until) }

// Answer is the result of a piece of work. The zero Answer settles its task.
type Answer struct {
	Command workflow.Command // applied to the incident in the commit that settles the task; nil: none
	Records []RecordChange   // written in the same commit
	// Sent says that the outside party has accepted it. If the commit fails, only the
	// commit is repeated: this process never sends it again (E3: check again before
	// each send).
	Sent bool

	// Retry returns the task to the agenda instead of settling it: due after the
	// delay of [RetryAfter], else after a growing back-off.
	Retry error
	// Report is applied to the incident before the task is returned to the agenda.
	Report workflow.Command
	// Abandoned leaves the task as it is until its lease ends, because the lease does
	// not cover a send any more.
	Abandoned bool
}

// Retry returns the answer of work that failed and is to be repeated.
func Retry(err error) Answer { return Answer{Retry: err} }
