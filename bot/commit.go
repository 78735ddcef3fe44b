package bot

import (
	"encoding/json"
	"slices"
	"time"

	"tocsin/workflow"
)

// commitOf turns an outcome into a commit. An input that made nothing true
// only settles its task.
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
	c.Open = out.Incident.IsOpen()
	if until, always := out.Incident.HoldsGroupUntil(in.Known.Plan.Rules); out.Incident.Alerts.Group != "" {
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
		change, bad := e.recordChanges(l.ID, event.Fact, in.Known.Plan)
		if bad != nil {
			return c, bad
		}
		c.Records = append(c.Records, change...)
	}
	err = e.addTasks(&c, out)
	return c, err
}

// addTasks adds what is owed to the world: effects, what is message in our own rooms,
// and the cards that are to be brought up to date.
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
		c.Tasks = append(c.Tasks, Task{ID: effect.ID, Owner: c.Incident, Lane: effect.Lane, Due: c.At, Body: body})
	}
	cards, err := cardTasks(out.Incident, c.At)
	c.Tasks = append(c.Tasks, cards...)
	return err
}

// cardsOf are the standing tasks that keep an incident's cards up to date.
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

// canCarryOut reports whether there is anybody to carry a deed out: a medium that
// cannot take pages back is not asked to.
func (e *Engine) canCarryOut(d workflow.Action) bool {
	t, ok := d.(workflow.CancelPage)
	if !ok {
		return true
	}
	_, able := e.Pager(t.Via).(Canceler)
	return able
}

// Kinds of records.
const (
	kindPlan   = "plan"   // by content hash
	kindCursor = "cursor" // by policy/step
)

// Kinds of records that end with an incident: those of its rooms and cards, and
// those of effects that may have been carried out.
const (
	KindRoom    = "room"  // by platform/room: whose it is; and by incident/platform/room, so that it ends with the incident
	KindCard    = "card"  // by incident/platform/room: where a card is, and what it says
	KindAttempt = "tried" // by the effect's ID: which process has begun to carry it out
)

// recordOf names the records that a fact writes in the same commit. A plan is
// written once: what this process has read or written stays.
func (e *Engine) recordChanges(incident string, f workflow.Fact, plan workflow.Plan) ([]RecordChange, error) {
	if d, ok := f.(workflow.Declared); ok {
		if _, kept := e.plans.Load(d.Plan); kept {
			return nil, nil
		}
		body, err := json.Marshal(plan)
		return []RecordChange{{Kind: kindPlan, ID: d.Plan, Version: AnyVersion, Body: body}}, err
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
		return []RecordChange{{Kind: kindCursor, ID: s.Cursor.Key, Version: s.Cursor.Was, Body: body}}, err
	}
	return nil, nil
}
