package intake

import (
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Simulation is what alerts would do, step by step, if no one acknowledged and every
// page arrived. It is computed by the code that does it for real: routing, intake and
// workflow.
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
	Unmapped string        `json:"unmapped,omitempty"` // the severity word, when it is unknown (I11: severity words are mapped)
	Group    string        `json:"group,omitempty"`
	Change   alerts.Change `json:"change"`
	Incident string        `json:"incident,omitempty"`
	Trace    []string      `json:"trace"`
}

// SimulatedIncident is an incident that the alerts would open, with its timeline.
type SimulatedIncident struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Severity string          `json:"severity"`
	Services []string        `json:"services"`
	Policy   string          `json:"policy"`
	Steps    []SimulatedStep `json:"steps"`
}

// SimulatedStep is one line of the timeline.
type SimulatedStep struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// maxSimulatedWakes is after how many wake-ups a simulation ends, unless its escalation
// has ended before.
const maxSimulatedWakes = 60

// Simulate returns what alerts of an integration would do at an instant in an empty
// store.
func Simulate(o bot.Organization, integration string, all []alerts.Alert, at time.Time) (Simulation, error) {
	o, err := o.Prepare()
	if err != nil {
		return Simulation{}, err
	}
	store := &simulatedStore{rows: map[string]alerts.Row{}, groups: map[string]string{}, at: at}
	batch := alerts.Batch{At: at}
	sim := Simulation{Alerts: []SimulatedAlert{}, Incidents: []SimulatedIncident{}}
	for _, a := range all {
		arrival, d := o.Route(integration, a)
		batch.Arrivals = append(batch.Arrivals, arrival)
		sim.Alerts = append(sim.Alerts, SimulatedAlert{
			Key: a.Key, Title: a.Title, State: a.State, Severity: d.Severity.String(), Unmapped: d.Word, Group: arrival.Group, Trace: d.Trace,
		})
	}
	receipts, err := alerts.Take(store, batch)
	if err != nil {
		return sim, err
	}
	for n, r := range receipts {
		sim.Alerts[n].Change, sim.Alerts[n].Incident = r.Change, r.Incident
	}
	for n := range store.stubs {
		incident, err := simulateIncident(&o, n, store, at)
		if err != nil {
			return sim, err
		}
		sim.Incidents = append(sim.Incidents, incident)
	}
	return sim, nil
}

// simulateIncident takes the n-th incident from its stub to the end of its escalation.
func simulateIncident(org *bot.Organization, n int, store *simulatedStore, at time.Time) (SimulatedIncident, error) {
	declare, err := alerts.DecodeStub(store.stubs[n])
	if err != nil {
		return SimulatedIncident{}, err
	}
	known := workflow.Known{
		Plan: org.Plan(declare.Services, declare.Owner), Answers: map[workflow.Target]workflow.Answer{}, Cursors: map[string]int{},
	}
	for _, t := range known.Plan.Targets() {
		known.Answers[t] = org.Directory.Resolve(t)
	}
	i := workflow.Incident{ID: workflow.ID(n + 1), Number: n + 1}
	out, err := workflow.Step(i, workflow.Input{
		At: at, By: workflow.Actor{Kind: workflow.ByAlert}, Command: declare, Mail: store.mail[n : n+1], Known: known,
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
			sim.Steps = append(sim.Steps, SimulatedStep{At: e.At, Text: card.Line(e, org.Zone)})
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
		if wake.IsZero() || i.Paging.State == workflow.Exhausted || i.Paging.RestartPending { // from here on it repeats
			break
		}
		at = wake
		if out, err = workflow.Step(i, workflow.Input{At: at, By: workflow.Actor{Kind: workflow.BySystem}, Command: workflow.Wake{}, Known: known}); err != nil {
			return sim, err
		}
	}
	return sim, nil
}

// simulatedStore is the store of one simulation: it starts empty and ends with it.
type simulatedStore struct {
	at     time.Time
	rows   map[string]alerts.Row
	groups map[string]string
	stubs  [][]byte
	mail   []workflow.Mail
}

// Row implements [alerts.Tx].
func (s *simulatedStore) Row(_, key string) (*alerts.Row, error) {
	if r, ok := s.rows[key]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // alerts.Tx defines nil as the result for a row that does not exist
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
func (s *simulatedStore) Open(o alerts.Opening) (string, error) {
	id := workflow.ID(len(s.stubs) + 1)
	s.stubs, s.mail = append(s.stubs, o.Stub), append(s.mail, workflow.Mail{})
	s.groups[o.Group] = id
	return id, nil
}

// Mail implements [alerts.Tx].
func (s *simulatedStore) Mail(incident string, m workflow.Mail) error {
	s.mail[workflow.NumberOf(incident)-1] = m
	return nil
}
