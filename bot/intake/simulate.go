package intake

import (
	"fmt"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Simulation is what a payload would do, step by step, if nobody answered and
// every page arrived. It is made by the same routing, intake and workflow that
// do it in earnest.
type Simulation struct {
	Alerts    []SimulatedAlert    `json:"alerts"`
	Incidents []SimulatedIncident `json:"incidents"`
}

// SimulatedAlert is one alert with the rules that were tried.
type SimulatedAlert struct {
	Key      string        `json:"key"`
	Title    string        `json:"title"`
	State    alerts.State  `json:"state"`
	Severity string        `json:"severity"`
	Unmapped string        `json:"unmapped,omitempty"` // the severity word, when nobody mapped it
	Group    string        `json:"group,omitempty"`
	Change   alerts.Change `json:"change"`
	Incident string        `json:"incident,omitempty"`
	Trace    []string      `json:"trace"`
}

// SimulatedIncident is one incident with what would happen, and when.
type SimulatedIncident struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Severity string          `json:"severity"`
	Services []string        `json:"services"`
	Policy   string          `json:"policy"`
	Steps    []SimulatedStep `json:"steps"`
}

// SimulatedStep is one thing that would happen.
type SimulatedStep struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Simulations end after so many wake-ups, or when everybody was asked.
const maxSimulatedWakes = 60

// Simulate says what alerts of an integration would do at an instant, beginning
// with nothing open.
func Simulate(o bot.Organization, integration string, all []alerts.Alert, at time.Time) (Simulation, error) {
	o, err := o.Prepare()
	if err != nil {
		return Simulation{}, err
	}
	book := &simulatedStore{rows: map[string]alerts.Row{}, groups: map[string]string{}, at: at}
	batch := alerts.Batch{At: at}
	sim := Simulation{Alerts: []SimulatedAlert{}, Incidents: []SimulatedIncident{}}
	for _, a := range all {
		arrival, d := o.Route(integration, a)
		batch.Arrivals = append(batch.Arrivals, arrival)
		sim.Alerts = append(sim.Alerts, SimulatedAlert{
			Key: a.Key, Title: a.Title, State: a.State, Severity: d.Severity.String(), Unmapped: d.Word, Group: arrival.Group, Trace: d.Trace,
		})
	}
	receipts, err := alerts.Take(book, batch)
	if err != nil {
		return sim, err
	}
	for n, r := range receipts {
		sim.Alerts[n].Change, sim.Alerts[n].Incident = r.Change, r.Incident
	}
	for n := range book.stubs {
		incident, err := simulateIncident(&o, n, book, at)
		if err != nil {
			return sim, err
		}
		sim.Incidents = append(sim.Incidents, incident)
	}
	return sim, nil
}

// play takes one incident from its stub to where everybody was asked.
func simulateIncident(s *bot.Organization, n int, book *simulatedStore, at time.Time) (SimulatedIncident, error) {
	declare, err := alerts.DecodeStub(book.stubs[n])
	if err != nil {
		return SimulatedIncident{}, err
	}
	known := workflow.Known{
		Plan: s.Plan(declare.Services, declare.Owner), Answers: map[workflow.Target]workflow.Answer{}, Cursors: map[string]int{},
	}
	for _, t := range known.Plan.Targets() {
		known.Answers[t] = s.Directory.Resolve(t)
	}
	i := workflow.Incident{ID: simulatedID(n), Number: n + 1}
	out, err := workflow.Step(i, workflow.Input{
		At: at, By: workflow.Actor{Kind: workflow.ByAlert}, Command: declare, Mail: book.mail[n : n+1], Known: known,
	})
	if err != nil {
		return SimulatedIncident{}, err
	}
	sim := SimulatedIncident{
		ID: i.ID, Title: out.Incident.Title, Severity: out.Incident.Severity.String(),
		Services: slices.Concat([]string{}, out.Incident.Services), Policy: known.Plan.Policy,
	}
	for range maxSimulatedWakes {
		for _, e := range out.Events {
			sim.Steps = append(sim.Steps, SimulatedStep{At: e.At, Text: card.Line(e, s.Zone)})
		}
		i = out.Incident
		for _, e := range out.Effects { // every page arrives
			if page, ok := e.Action.(workflow.SendPage); ok {
				next, e := workflow.Step(i, workflow.Input{At: at, Command: workflow.Delivered{Page: page.Page}, Known: known})
				if e != nil {
					return sim, e
				}
				i = next.Incident
			}
		}
		wake := i.WakeAt()
		if wake.IsZero() || i.Paging.State == workflow.Exhausted {
			break
		}
		at = wake
		if out, err = workflow.Step(i, workflow.Input{At: at, By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Wake{}, Known: known}); err != nil {
			return sim, err
		}
	}
	return sim, nil
}

// sheet is a book for one simulation: it starts empty and is thrown away.
type simulatedStore struct {
	at     time.Time
	rows   map[string]alerts.Row
	groups map[string]string
	stubs  [][]byte
	mail   []workflow.Mail
}

func simulatedID(n int) string { return fmt.Sprintf("INC-%d", n+1) }

// Row implements [alerts.Tx].
func (s *simulatedStore) Row(_, key string) (*alerts.Row, error) {
	if r, ok := s.rows[key]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // a row that is not there is no error, and this is how Book says so
}

// PutRow implements [alerts.Tx].
func (s *simulatedStore) PutRow(r alerts.Row) error {
	s.rows[r.Key] = r
	return nil
}

// Owner implements [alerts.Tx].
func (s *simulatedStore) Owner(group string) (incident string, holds bool, err error) {
	id := s.groups[group]
	return id, id != "", nil
}

// Open implements [alerts.Tx].
func (s *simulatedStore) Open(group, _ string, stub []byte) (string, error) {
	id := simulatedID(len(s.stubs))
	s.stubs, s.mail = append(s.stubs, stub), append(s.mail, workflow.Mail{})
	s.groups[group] = id
	return id, nil
}

// Mail implements [alerts.Tx].
func (s *simulatedStore) Mail(incident string, m workflow.Mail) error {
	s.mail[workflow.NumberOf(incident)-1] = m
	return nil
}
