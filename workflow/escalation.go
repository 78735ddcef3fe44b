package workflow

import (
	"strconv"
	"time"
)

// Escalation is how far paging has come. A run begins when attention is first
// needed, or needed again, and ends with an acknowledgement or a resolve.
type Escalation struct {
	Run            int         `json:"run,omitempty"` // counts from 1
	State          PagingState `json:"state,omitempty"`
	Chain          []string    `json:"chain,omitempty"`  // policies of this run; the last is the current one
	Repeat         int         `json:"repeat,omitempty"` // of the current policy, from 0
	Step           int         `json:"step,omitempty"`   // fired last, from 0
	NextAt         time.Time   `json:"next_at,omitzero"` // next step, restart or reminder
	Trigger        int         `json:"trigger,omitempty"`
	Fired          int         `json:"fired,omitempty"` // Seq of the last step that fired
	Manual         int         `json:"manual,omitempty"`
	CycleReached   bool        `json:"cycle_reached,omitempty"`   // somebody accepted a page in the current cycle of the policy
	RunReached     bool        `json:"run_reached,omitempty"`     // somebody accepted a page in this run
	RestartPending bool        `json:"restart_pending,omitempty"` // the whole chain reached nobody: it starts again at NextAt (rule E4)
	Unreachable    bool        `json:"unreachable,omitempty"`     // that happened, and nobody has been reached since
	Reminders      int         `json:"reminders,omitempty"`
	Pages          []PageState `json:"pages,omitempty"`
}

// PagingState is what escalation is doing.
type PagingState string

// The states of escalation.
const (
	Idle      PagingState = ""
	Running   PagingState = "running"
	Answered  PagingState = "answered"  // acknowledged
	Stopped   PagingState = "stopped"   // resolved, monitoring, canceled or merged
	Exhausted PagingState = "exhausted" // everybody was asked; reminders go on (E7)
)

// Purpose is why somebody is paged.
type Purpose string

// The purposes of a page.
const (
	PurposeEscalation Purpose = "escalation" // escalation: until somebody acknowledges
	PurposeJoin       Purpose = "join"       // a person asked for this person; outlives an acknowledgement
	PurposeNotice     Purpose = "notice"     // a notice that needs no answer (rule G3)
	PurposeCatchAll   Purpose = "catch_all"  // the catch-all: nobody answered (rule E7)
)

// PageState is one page to one recipient through one method.
type PageState struct {
	ID      string          `json:"id"` // run.policy.repeat.step/recipient/method: owed at most once (E2)
	Purpose Purpose         `json:"purpose"`
	To      string          `json:"to"`
	Name    string          `json:"name,omitempty"`
	Via     string          `json:"via"`
	Due     time.Time       `json:"due"`
	State   DeliveryState   `json:"state"`
	Why     string          `json:"why,omitempty"`
	At      PageCoordinates `json:"at"`
}

// PageCoordinates say which firing of which step a page belongs to.
type PageCoordinates struct {
	Run    int `json:"run"`
	Policy int `json:"policy"` // position in the run's chain
	Repeat int `json:"repeat"`
	Step   int `json:"step"`
}

// String returns "run.policy.repeat.step".
func (c PageCoordinates) String() string {
	b := make([]byte, 0, 16)
	for n, v := range [...]int{c.Run, c.Policy, c.Repeat, c.Step} {
		if n > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return string(b)
}

// DeliveryState is how far a page is.
type DeliveryState string

// The states of a page.
const (
	DeliveryPlanned  DeliveryState = "planned"   // the method's delay has not passed
	DeliveryStandby  DeliveryState = "standby"   // used only if an earlier method fails
	DeliveryQueued   DeliveryState = "queued"    // handed to the agenda, not answered yet
	DeliveryRetrying DeliveryState = "retrying"  // failed once, tried again beside the advance (E4)
	DeliveryAccepted DeliveryState = "delivered" // accepted by the provider
	DeliveryFailed   DeliveryState = "failed"    // given up
	DeliveryCanceled DeliveryState = "canceled"
)

// Live reports whether a page in this state may still be sent.
func (s DeliveryState) IsPending() bool {
	return s == DeliveryPlanned || s == DeliveryStandby || s == DeliveryQueued || s == DeliveryRetrying
}

// Limits that keep the snapshot within 64 KiB.
const (
	maxPages            = 80               // live and recent pages an incident remembers
	maxRecipients       = 40               // people paged by one step
	maxMerged           = 200              // incidents that one can take in
	maxPins             = 5                // notes kept in view
	maxSamples          = 20               // alerts remembered
	noticeEvery         = 2 * time.Minute  // between two notices to the acknowledger
	maxInvited          = 300              // people an incident remembers as members
	maxInvitedBytes     = 8000             // and the bytes of their IDs
	maxChain            = 16               // policies visited by one run
	latenessWorthSaying = 10 * time.Second // lateness not worth a word
)

// current returns the coordinates of the step that fired last.
func (p Escalation) current() PageCoordinates {
	return PageCoordinates{Run: p.Run, Policy: max(len(p.Chain)-1, 0), Repeat: p.Repeat, Step: p.Step}
}

// Policy returns the policy that is paging, or "".
func (p Escalation) Policy() string {
	if len(p.Chain) == 0 {
		return ""
	}
	return p.Chain[len(p.Chain)-1]
}

// page finds a page by its ID.
func (p *Escalation) page(id string) *PageState {
	for n := range p.Pages {
		if p.Pages[n].ID == id {
			return &p.Pages[n]
		}
	}
	return nil
}

// cursorKey names the round-robin cursor of a policy's step.
func cursorKey(policy string, step int) string { return policy + "/" + strconv.Itoa(step) }
