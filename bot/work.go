package bot

import (
	"time"

	"tocsin/workflow"
)

// Work is one task that is due, as the agenda hands it to the package that can
// carry it out.
type Work struct {
	Lease
	Action workflow.Action
	// Incident is as it was stored just before the work was handed over. It is
	// zero (Status "") when the store could not be read: a page goes out all the
	// same (rule E3).
	Incident workflow.Incident
}

// Outlasts reports whether the lease outlasts a send that begins at an instant
// and may take so long. A worker whose lease does not may not send (rule X2).
func (w Work) CanSend(at time.Time, send time.Duration) bool { return at.Add(send).Before(w.Until) }

// Answer is what became of a piece of work. The zero Answer settles its task.
type Answer struct {
	Command workflow.Command // for the incident, in the commit that settles the task; nil when it needs none
	Records []RecordChange   // written in the same commit
	// Sent says that the outside party has it. If the commit fails, it alone is
	// tried again: the work is never carried out again by this process (rule E3).
	Sent bool

	// Retry gives the task back instead, to be tried again: when [RetryAfter] says
	// so, else after a back-off that grows.
	Retry error
	// Report is given to the incident before the task is given back.
	Report workflow.Command
	// Abandoned leaves the task alone until its lease has run out: this process
	// may not send it any more.
	Abandoned bool
}

// Retry is the answer of work that is to be tried again.
func Retry(err error) Answer { return Answer{Retry: err} }
