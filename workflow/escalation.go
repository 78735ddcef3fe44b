package workflow

import (
	"strconv"
	"time"
)

// Escalation is the state of paging. A run starts with the first step of a policy,
// when the incident needs attention or needs it again, and ends when the incident is
// acknowledged, is resolved or is only monitored.
type Escalation struct {
	Run            int         `json:"run,omitempty"` // number of the run, counted from 1
	State          PagingState `json:"state,omitempty"`
	Chain          []string    `json:"chain,omitempty"`           // policies of this run; the last is the current one
	Repeat         int         `json:"repeat,omitempty"`          // of the current policy, counted from 0
	Step           int         `json:"step,omitempty"`            // the step that fired last, counted from 0
	NextAt         time.Time   `json:"next_at,omitzero"`          // when the next step, restart or reminder is due
	Trigger        int         `json:"trigger,omitempty"`         // Seq of what an acknowledgement must have seen (E5: an acknowledgement carries what was seen)
	Fired          int         `json:"fired,omitempty"`           // Seq of the last StepFired
	Manual         int         `json:"manual,omitempty"`          // how often people were paged outside escalation
	CycleReached   bool        `json:"cycle_reached,omitempty"`   // a provider accepted a page of the current repeat
	RunReached     bool        `json:"run_reached,omitempty"`     // a provider accepted a page of this run
	RestartPending bool        `json:"restart_pending,omitempty"` // the run reached no one and restarts at NextAt (E4: a failed page moves on at once)
	Unreachable    bool        `json:"unreachable,omitempty"`     // a run reached no one, and no one was reached since
	Reminders      int         `json:"reminders,omitempty"`       // how often the catch-all was notified that escalation is exhausted
	Pages          []PageState `json:"pages,omitempty"`           // pages that are pending, and the latest others
}

// PagingState is what escalation is doing.
type PagingState string

// The states of escalation.
const (
	Idle      PagingState = ""          // it has not started
	Running   PagingState = "running"   // steps fire
	Answered  PagingState = "answered"  // the incident is acknowledged
	Stopped   PagingState = "stopped"   // the incident has ended, or is only monitored
	Exhausted PagingState = "exhausted" // every step has fired; the catch-all is reminded
)

// Purpose is the reason for a page.
type Purpose string

// The purposes of a page.
const (
	PurposeEscalation Purpose = "escalation" // a step of a policy; canceled by an acknowledgement
	PurposeJoin       Purpose = "join"       // a person asked this person to join; stays when another acknowledges
	PurposeNotice     Purpose = "notice"     // information that needs no answer
	PurposeCatchAll   Purpose = "catch_all"  // to the catch-all, because escalation reached no one or no one acknowledged
)

// wantsAcknowledgement reports whether a page is answered by acknowledging the incident.
func (p Purpose) wantsAcknowledgement() bool { return p == PurposeEscalation || p == PurposeCatchAll }

// PageState is one page to one recipient by one contact method.
type PageState struct {
	ID          string          `json:"id"` // coordinates/recipient/method, such as "1.0.0.0/ana/sms"
	Purpose     Purpose         `json:"purpose"`
	To          string          `json:"to"` // ID of the recipient
	Name        string          `json:"name,omitempty"`
	Via         string          `json:"via"` // key of the contact method
	Due         time.Time       `json:"due_at"`
	State       DeliveryState   `json:"state"`
	Why         string          `json:"why,omitempty"` // the reason for the state
	Coordinates PageCoordinates `json:"coordinates"`
}

// PageCoordinates name the step that a page belongs to, and which time it fired. With
// recipient and method they identify the page (E2: a page is owed once).
type PageCoordinates struct {
	Run    int `json:"run"`
	Policy int `json:"policy"` // index in Escalation.Chain
	Repeat int `json:"repeat"`
	Step   int `json:"step"`
}

// String returns "run.policy.repeat.step", such as "1.0.0.0".
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

// DeliveryState is the state of the delivery of a page.
type DeliveryState string

// The states of a page.
const (
	DeliveryPlanned  DeliveryState = "planned"   // sent when the delay of the contact method has passed
	DeliveryStandby  DeliveryState = "standby"   // sent only if an earlier method fails
	DeliveryQueued   DeliveryState = "queued"    // handed to the agenda
	DeliveryRetrying DeliveryState = "retrying"  // failed, and the agenda keeps trying while escalation moves on
	DeliverySlow     DeliveryState = "slow"      // sent, and the provider has not said whether it accepts it; escalation moves on
	DeliveryAccepted DeliveryState = "delivered" // the provider accepted it
	DeliveryFailed   DeliveryState = "failed"    // it could not be delivered
	DeliveryCanceled DeliveryState = "canceled"  // it is not needed any more
)

// IsPending reports whether a page in this state may still be sent.
func (s DeliveryState) IsPending() bool {
	return s == DeliveryPlanned || s == DeliveryStandby || s == DeliveryQueued || s == DeliveryRetrying || s == DeliverySlow
}

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

// findPage returns the page with an ID, or nil.
func (p *Escalation) findPage(id string) *PageState {
	for n := range p.Pages {
		if p.Pages[n].ID == id {
			return &p.Pages[n]
		}
	}
	return nil
}

// cursorKey returns the key of the round-robin cursor of a step.
func cursorKey(policy string, step int) string { return policy + "/" + strconv.Itoa(step) }
