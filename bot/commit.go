package bot

import (
	"encoding/json"
	"slices"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// buildCommit turns the outcome of a step into a commit. Without events it only
// settles the task and stores the reply.
func (e *Engine) buildCommit(l Loaded, in workflow.Input, res Result, change Change) (Commit, error) {
	out := res.Outcome
	c := Commit{At: in.At, Incident: l.ID, Version: l.Version, Settle: change.Settle, WakeAt: out.Incident.WakeAt(), Records: slices.Clone(change.Records)}
	if change.Operation != "" && res.Refusal == nil {
		c.Operation = change.Operation
		if change.Reply != nil {
			c.Reply = change.Reply(res)
		}
	}
	if len(out.Events) == 0 {
		return c, nil
	}
	var err error
	if c.Snapshot, err = workflow.EncodeIncident(out.Incident); err != nil {
		return c, err
	}
	c.Open, c.Listing = out.Incident.IsOpen(), out.Incident.Listing()
	plan := in.Known.Plan
	if _, ok := in.Command.(workflow.ApplyPolicy); ok && out.Incident.PlanHash == in.Known.Next.Hash() {
		plan = in.Known.Next
	}
	if until, always := out.Incident.HoldsGroupUntil(plan.Rules); out.Incident.Alerts.Group != "" {
		c.Group = &GroupHold{Key: out.Incident.Alerts.Group, Always: always, Until: until}
	}
	if n := len(l.Mail); n > 0 {
		c.ReadMail = l.Mail[n-1].Seq
	}
	for _, event := range out.Events {
		body, bad := workflow.EncodeEvent(event)
		if bad != nil {
			return c, bad
		}
		c.Events = append(c.Events, StoredEvent{Seq: event.Seq, Body: body})
		change, bad := e.recordChanges(l.ID, event.Fact, plan)
		if bad != nil {
			return c, bad
		}
		c.Records = append(c.Records, change...)
	}
	err = e.addTasks(&c, out)
	return c, err
}

// addTasks adds the effects of a step to its commit: tasks for the agenda, messages
// for built-in rooms, and the standing tasks of the cards.
func (e *Engine) addTasks(c *Commit, out workflow.Outcome) error {
	for _, effect := range out.Effects {
		if !e.canCarryOut(effect.Action) {
			continue
		}
		if post, ok := effect.Action.(workflow.Post); ok && e.cfg.Builtin[post.Platform] != nil {
			message, err := e.builtinMessage(effect.ID, post, out.Events)
			if err != nil {
				return err
			}
			c.Messages = append(c.Messages, message)
			continue
		}
		body, err := workflow.EncodeAction(effect.Action)
		if err != nil {
			return err
		}
		c.Tasks = append(c.Tasks, Task{ID: effect.ID, Owner: c.Incident, Lane: effect.Lane, Due: dueOf(effect, c), Body: body})
	}
	cards, err := cardTasks(out.Incident, c.At)
	c.Tasks = append(c.Tasks, cards...)
	return err
}

// dueOf returns when a new task is due. First pages keep the place of the wake-up that led
// to them, so that they go before those of another integration's flood (E10c: integrations
// share fairly).
func dueOf(effect workflow.Effect, c *Commit) time.Time {
	if effect.Lane.Class != workflow.ClassFirstPage || c.Settle == nil || c.Settle.ID != WakeTask || !c.Settle.Due.Before(c.At) {
		return c.At
	}
	if earliest := c.At.Add(-alerts.MaxAhead); c.Settle.Due.Before(earliest) {
		return earliest
	}
	return c.Settle.Due
}

// cardTasks returns the standing tasks that bring an incident's cards up to date.
func cardTasks(i workflow.Incident, due time.Time) ([]Task, error) {
	var all []Task
	for _, show := range i.Cards() {
		body, err := workflow.EncodeAction(show)
		if err != nil {
			return nil, err
		}
		lane := workflow.LaneOf(show)
		all = append(all, Task{ID: "card:" + lane.Destination, Owner: i.ID, Lane: lane, Due: due, Rev: i.Seq, Body: body})
	}
	return all, nil
}

// canCarryOut reports whether an action can be carried out: a page is canceled only
// through a pager that is a [Canceler].
func (e *Engine) canCarryOut(a workflow.Action) bool {
	cancel, ok := a.(workflow.CancelPage)
	if !ok {
		return true
	}
	_, ok = e.Pager(cancel.Via).(Canceler)
	return ok
}

// Kinds of records.
const (
	kindPlan   = "plan"   // a plan, by content hash
	kindCursor = "cursor" // a round-robin position, by policy/step
)

// Kinds of records that are deleted with their incident (see [OwnedKinds]).
const (
	KindRoom    = "room"    // by platform/room: the incident that it belongs to; and an empty one by incident/platform/room, to find it by the incident
	KindCard    = "card"    // by incident/platform/room: where the card is, and a hash of its content
	KindAttempt = "attempt" // by the effect's ID: the process that began to carry it out
)

// planOf returns the content hash of the plan that a fact copies into the incident; ""
// for other facts.
func planOf(f workflow.Fact) string {
	if d, ok := f.(workflow.Declared); ok {
		return d.Plan
	}
	if p, ok := f.(workflow.PlanReplaced); ok {
		return p.To
	}
	return ""
}

// recordChanges returns the records that a fact writes in its commit. A plan that
// this process has read or written is not written again: plans never change.
func (e *Engine) recordChanges(incident string, f workflow.Fact, plan workflow.Plan) ([]RecordChange, error) {
	if hash := planOf(f); hash != "" {
		if _, ok := e.plans.Load(hash); ok {
			return nil, nil
		}
		body, err := json.Marshal(plan)
		return []RecordChange{{Kind: kindPlan, ID: hash, Version: AnyVersion, Body: body}}, err
	}
	if r, ok := f.(workflow.RoomOpened); ok && e.cfg.Builtin[r.Platform] == nil {
		room := r.Platform + "/" + r.ID
		return []RecordChange{
			{Kind: KindRoom, ID: room, Version: AnyVersion, Body: []byte(incident)},
			{Kind: KindRoom, ID: incident + "/" + room, Version: AnyVersion, Body: []byte{}},
		}, nil
	}
	if s, ok := f.(workflow.StepFired); ok && s.Cursor != nil {
		body, err := json.Marshal(s.Cursor.Next)
		return []RecordChange{{Kind: kindCursor, ID: s.Cursor.Key, Version: s.Cursor.Previous, Body: body}}, err
	}
	return nil, nil
}
