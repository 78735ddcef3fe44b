package api

import (
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// The types of this file are the JSON that clients rely on. openapi.yaml
// describes them, and a test compares the two. Times are UTC. An absent value
// is left out; a list is empty rather than absent.

// summary is an incident in a list.
type summary struct {
	ID             string              `json:"id"`
	Title          string              `json:"title"`
	Status         workflow.Status     `json:"status"`
	Severity       string              `json:"severity,omitempty"`
	Services       []string            `json:"services"`
	Kind           workflow.Kind       `json:"kind"`
	Visibility     workflow.Visibility `json:"visibility"`
	DeclaredAt     time.Time           `json:"declared_at,omitzero"`
	AcknowledgedAt time.Time           `json:"acknowledged_at,omitzero"`
	AcknowledgedBy string              `json:"acknowledged_by,omitempty"`
	ResolvedAt     time.Time           `json:"resolved_at,omitzero"`
	Commander      string              `json:"commander,omitempty"`
	Unattended     bool                `json:"unattended"`
	Alerts         alertCounts         `json:"alerts"`
	Rooms          []room              `json:"rooms"`
}

// alertCounts is the number of alerts of an incident by state.
type alertCounts struct {
	Firing   int `json:"firing"`
	Resolved int `json:"resolved"`
}

// room is an open room; the timeline says what happened to the others.
type room struct {
	Platform string `json:"platform"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	URL      string `json:"url,omitempty"`
}

// details is one incident with everything but its events.
type details struct {
	summary
	Seq              int               `json:"seq"`
	Description      string            `json:"description,omitempty"`
	Symptoms         []string          `json:"symptoms"`
	Source           workflow.Source   `json:"source,omitempty"`
	Reporter         workflow.Reporter `json:"reporter"`
	Category         string            `json:"category,omitempty"`
	Impact           workflow.Level    `json:"impact,omitempty"`
	Urgency          workflow.Level    `json:"urgency,omitempty"`
	SeverityBasis    workflow.Basis    `json:"severity_basis,omitempty"`
	Unmapped         []string          `json:"unmapped_severities"`
	AcknowledgedName string            `json:"acknowledged_name,omitempty"`
	Roles            map[string]string `json:"roles"`
	DetectedAt       time.Time         `json:"detected_at,omitzero"`
	ClosedAt         time.Time         `json:"closed_at,omitzero"`
	AlertSamples     []alert           `json:"alert_samples"`
	Truncated        int               `json:"alerts_left_out"`
	Tasks            []task            `json:"tasks"`
	Checklist        []check           `json:"checklist"`
	Links            []workflow.Link   `json:"links"`
	LatestUpdate     *update           `json:"latest_update,omitempty"`
	Cause            string            `json:"cause,omitempty"`
	Resolution       string            `json:"resolution,omitempty"`
	MergedInto       string            `json:"merged_into,omitempty"`
	MergedFrom       []string          `json:"merged_from"`
	Timers           []card.Timer      `json:"timers,omitzero"`
}

type alert struct {
	Integration string    `json:"integration,omitempty"`
	Title       string    `json:"title"`
	Severity    string    `json:"severity,omitempty"`
	Firing      bool      `json:"firing"`
	At          time.Time `json:"at,omitzero"`
	Link        string    `json:"link,omitempty"`
}

type task struct {
	N        int    `json:"n"`
	Text     string `json:"text"`
	FollowUp bool   `json:"follow_up"`
	Assignee string `json:"assignee,omitempty"`
	Done     bool   `json:"done"`
}

type check struct {
	N     int                 `json:"n"`
	Text  string              `json:"text"`
	State workflow.CheckState `json:"state,omitempty"`
	By    string              `json:"by,omitempty"`
}

type update struct {
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`
	Audience string    `json:"audience,omitempty"`
	Text     string    `json:"text"`
	NextDue  time.Time `json:"next_due,omitzero"`
}

// delivery is one page to one person by one method.
type delivery struct {
	Page    string                 `json:"page"`
	To      string                 `json:"to"`
	Name    string                 `json:"name,omitempty"`
	Via     string                 `json:"via"`
	Purpose workflow.Purpose       `json:"purpose"`
	State   workflow.DeliveryState `json:"state"`
	Why     string                 `json:"why,omitempty"`
	AskedAt time.Time              `json:"asked_at"`
	DoneAt  time.Time              `json:"done_at,omitzero"`
	Text    string                 `json:"text"`
}

func newSummary(i workflow.Incident) summary {
	s := summary{
		ID: i.ID, Title: i.Title, Status: i.Status, Severity: i.Severity.String(), Services: nonNil(i.Services),
		Kind: i.Kind, Visibility: i.Visibility, DeclaredAt: i.DeclaredAt.UTC(),
		AcknowledgedAt: i.Acknowledgement.At.UTC(), AcknowledgedBy: i.Acknowledgement.Person, ResolvedAt: i.Ending.ResolvedAt.UTC(),
		Commander: i.Roles[workflow.Commander], Unattended: i.IsUnattended(),
		Alerts: alertCounts{Firing: i.Alerts.Firing, Resolved: i.Alerts.Resolved}, Rooms: []room{},
	}
	for _, r := range i.Rooms {
		if r.State == workflow.RoomOpen {
			s.Rooms = append(s.Rooms, room{Platform: r.Platform, ID: r.ID, Name: r.Name, URL: r.URL})
		}
	}
	return s
}

func newDetails(i workflow.Incident) details {
	d := details{
		summary: newSummary(i), Seq: i.Seq, Description: i.Description, Symptoms: nonNil(i.Symptoms),
		Source: i.Source, Reporter: i.Reporter, Category: i.Category, Impact: i.Impact, Urgency: i.Urgency,
		SeverityBasis: i.SeverityBasis, Unmapped: nonNil(i.Alerts.Unmapped), AcknowledgedName: i.Acknowledgement.Name, Roles: map[string]string{},
		DetectedAt: i.DetectedAt.UTC(), ClosedAt: i.Ending.ClosedAt.UTC(), AlertSamples: []alert{}, Truncated: i.Alerts.Truncated,
		Tasks: []task{}, Checklist: []check{}, Links: nonNil(i.Paperwork.Links), Cause: i.Paperwork.Cause, Resolution: i.Ending.Resolution,
		MergedInto: i.Merge.Into, MergedFrom: nonNil(i.Merge.From),
	}
	for role, person := range i.Roles {
		if person != "" {
			d.Roles[role] = person
		}
	}
	for _, a := range i.Alerts.Samples {
		d.AlertSamples = append(d.AlertSamples, alert{
			Integration: a.Integration, Title: a.Title, Severity: a.Severity.String(), Firing: !a.Resolved, At: a.At.UTC(), Link: a.Link,
		})
	}
	for _, t := range i.Paperwork.ActionItems {
		d.Tasks = append(d.Tasks, task(t))
	}
	for n, c := range i.Paperwork.Checklist {
		d.Checklist = append(d.Checklist, check{N: n + 1, Text: c.Text, State: c.State, By: c.By})
	}
	if u := i.Paperwork.LatestUpdate; u.Text != "" {
		d.LatestUpdate = &update{At: u.At.UTC(), By: u.By, Audience: u.Audience, Text: u.Text, NextDue: i.Promises.UpdateBy.UTC()}
	}
	return d
}

// nonNil returns a copy of a list that is never nil.
func nonNil[T any](all []T) []T { return append([]T{}, all...) }
