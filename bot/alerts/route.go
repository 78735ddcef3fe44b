package alerts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"tocsin/workflow"
)

// Route is one routing rule. The first route whose Match is true decides (I10:
// routing by typed expressions).
type Route struct {
	Match    string   // a typed expression over alert, labels, annotations, integration
	Ignore   bool     // record the alert and do nothing else
	Service  string   // service ID
	Severity string   // an expression that returns a severity, such as labels.severity == "page" ? SEV1 : SEV3
	Group    []string // label names whose values make the group
	Line     int      // its line in the configuration
}

// Sender is the part of an integration that routing uses.
type Sender struct {
	Name       string
	Severities map[string]workflow.Severity // the sender's own severity words
}

// Decision says where an alert goes, and why.
type Decision struct {
	Ignore   bool
	Service  string
	Severity workflow.Severity // NeverPages only with Ignore
	Word     string            // the severity word, when it is not mapped
	Group    string
	Trace    []string // one sentence for each route that was tried, in order
}

// Router holds compiled routes. It is immutable.
type Router struct {
	routes   []compiledRoute
	services []string // IDs that the labels "service" and "job" may name
}

type compiledRoute struct {
	Route
	match    *vm.Program
	severity *vm.Program
}

// environment has the variables of an expression.
type environment struct {
	Alert       alertEnvironment  `expr:"alert"`
	Labels      map[string]string `expr:"labels"`
	Annotations map[string]string `expr:"annotations"`
	Integration string            `expr:"integration"`
	SEV1        int               `expr:"SEV1"`
	SEV2        int               `expr:"SEV2"`
	SEV3        int               `expr:"SEV3"`
	SEV4        int               `expr:"SEV4"`
	SEV5        int               `expr:"SEV5"`
	Severity    int               `expr:"severity"` // what the alert's word means
}

type alertEnvironment struct {
	Key         string `expr:"key"`
	Title       string `expr:"title"`
	Description string `expr:"description"`
	Severity    string `expr:"severity"`
	State       string `expr:"state"`
	Link        string `expr:"link"`
}

// Limits of one expression (I10: routing by typed expressions).
const (
	maxNodes  = 500
	maxMemory = 10_000
)

// Compile checks one route. The error is for the author of the configuration: it
// names the place in the expression and what would be right.
func Compile(r Route) error {
	c, err := compile(r)
	if err != nil || c.severity == nil {
		return err
	}
	return severityExpression(r).checkSeverity(c.severity)
}

func compile(r Route) (compiledRoute, error) {
	c := compiledRoute{Route: r}
	var err error
	if c.match, err = matchExpression(r).compile(expr.AsBool()); err == nil && r.Severity != "" {
		c.severity, err = severityExpression(r).compile(expr.AsInt())
	}
	return c, err
}

// NewRouter returns a router. services are the IDs that a label may name.
func NewRouter(routes []Route, services []string) (*Router, error) {
	r := &Router{services: services}
	for n, route := range routes {
		c, err := compile(route)
		if err != nil {
			return nil, fmt.Errorf("compile route %d: %w", n+1, err)
		}
		r.routes = append(r.routes, c)
	}
	return r, nil
}

// Decide routes one alert. A route that fails to run is skipped and noted in
// the trace: a faulty route never loses an alert.
func (r *Router) Decide(s Sender, a Alert) Decision {
	var d Decision
	note := func(format string, args ...any) { d.Trace = append(d.Trace, fmt.Sprintf(format, args...)) }
	d.Severity, d.Word = mapSeverity(s, a)
	env := newEnvironment(s, a, d.Severity)
	d.Ignore = d.Severity == workflow.NeverPages
	if d.Ignore {
		note("severity %q never pages: the alert is recorded, unless a route gives it a severity", a.Severity)
	}
	d.Service = r.findService(a.Labels)
	group := []string(nil)
	matched := false
	for n, route := range r.routes {
		matches, err := run(route.match, env)
		switch {
		case err != nil:
			note("route %d (%s): cannot be evaluated: %s", n+1, route.Match, explainRun(err))
			continue
		case matches != true:
			note("route %d (%s): no", n+1, route.Match)
			continue
		}
		note("route %d (%s): yes", n+1, route.Match)
		matched = true
		d.Ignore = d.Ignore || route.Ignore
		d.Service = cmp.Or(route.Service, d.Service)
		group = route.Group
		if route.severity != nil {
			v, err := run(route.severity, env)
			sev, ok := v.(int)
			switch {
			case err != nil:
				note("route %d: its severity cannot be evaluated: %s; keeping %s", n+1, explainRun(err), d.Severity)
			case !ok || sev < 1 || sev > 5:
				note("route %d: its severity is %v, not SEV1 to SEV5; keeping %s", n+1, v, d.Severity)
			default:
				d.Severity, d.Word, d.Ignore = workflow.Severity(sev), "", route.Ignore
			}
		}
		break
	}
	if !matched {
		note("no route matches: the defaults apply")
	}
	d.Group = groupKey(s.Name, a, d.Service, group)
	return d
}

func run(p *vm.Program, env environment) (any, error) {
	machine := vm.VM{MemoryBudget: maxMemory}
	return machine.Run(p, env)
}

func newEnvironment(s Sender, a Alert, sev workflow.Severity) environment {
	return environment{
		Alert: alertEnvironment{
			Key: a.Key, Title: a.Title, Description: a.Description, Severity: a.Severity, State: string(a.State), Link: a.Link,
		},
		Labels: a.Labels, Annotations: a.Annotations, Integration: s.Name, SEV1: 1, SEV2: 2, SEV3: 3, SEV4: 4, SEV5: 5,
		Severity: int(sev),
	}
}

// Lowers reports whether a route matches a critical alert that has no other labels and
// turns it into less than SEV2, and into what. That is rarely meant: a catch-all route
// that knows one word makes everything else low.
func Lowers(r Route) (to workflow.Severity, lowers bool) {
	c, err := compile(r)
	if err != nil || c.severity == nil || r.Ignore {
		return 0, false
	}
	a := Alert{Severity: "critical", Labels: map[string]string{"severity": "critical"}}
	env := newEnvironment(Sender{}, a, workflow.SEV1)
	if matches, failed := run(c.match, env); failed != nil || matches != true {
		return 0, false
	}
	v, err := run(c.severity, env)
	sev, ok := v.(int)
	if err != nil || !ok || sev < int(workflow.SEV3) || sev > int(workflow.SEV5) {
		return 0, false
	}
	return workflow.Severity(sev), true
}

// mapSeverity maps the sender's word (I11: severity words are mapped). An alert
// without any word is SEV3, and that is not noted.
func mapSeverity(s Sender, a Alert) (sev workflow.Severity, unmapped string) {
	if a.Severity == "" {
		return workflow.SEV3, ""
	}
	for word, sev := range s.Severities {
		if strings.EqualFold(word, a.Severity) {
			return sev, ""
		}
	}
	sev, ok := workflow.SeverityOfWord(a.Severity)
	if ok {
		return sev, ""
	}
	return sev, a.Severity
}

// findService returns the service that a label names: a configured one, else
// the value of the label "service".
func (r *Router) findService(labels map[string]string) string {
	for _, name := range []string{"service", "service_name", "job", "app"} {
		if v := labels[name]; v != "" && slices.Contains(r.services, v) {
			return v
		}
	}
	return labels["service"]
}

// groupKey names the group of an alert, and so its incident (G1: an equal group
// key joins the open incident). By default: integration, alertname, and service
// or job. An alert with none of the labels is a group of its own.
func groupKey(integration string, a Alert, service string, labels []string) string {
	var parts []string
	if labels == nil {
		if v := a.Labels["alertname"]; v != "" {
			parts = append(parts, "alertname="+v)
			if s := cmp.Or(service, a.Labels["service"], a.Labels["job"]); s != "" {
				parts = append(parts, "service="+s)
			}
		}
	}
	for _, name := range labels {
		if v := a.Labels[name]; v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	if len(parts) == 0 {
		parts = []string{"alert=" + a.Key}
	}
	key := integration + "|" + strings.Join(parts, "|")
	if len(key) > 300 {
		sum := sha256.Sum256([]byte(key))
		key = integration + "|" + hex.EncodeToString(sum[:16])
	}
	return key
}

// NewArrival returns the arrival of a routed alert. declare holds the
// configured service of the decision; the alert's own values are added.
func NewArrival(s Sender, a Alert, d Decision, declare workflow.Declare) Arrival {
	arrival := Arrival{Integration: s.Name, Alert: a, Severity: d.Severity, Word: d.Word}
	if d.Ignore || a.State == Notice {
		return arrival
	}
	arrival.Group = d.Group
	declare.Title = cmp.Or(clean(a.Title, workflow.MaxTitle+1), clean(a.Key, 60), "Alert from "+s.Name)
	declare.Description, declare.Source, declare.Severity = a.Description, workflow.SourceAlert, d.Severity
	declare.Group, declare.Detected = d.Group, a.StartedAt
	declare.Reporter.Name = s.Name
	if l := webAddress(a.Link); l != "" {
		declare.Links = append(declare.Links, workflow.Link{URL: l, Title: "Alert source"})
	}
	if l := webAddress(a.Runbook); l != "" {
		declare.Links = append(declare.Links, workflow.Link{URL: l, Title: "Runbook"})
	}
	arrival.Declare = declare
	return arrival
}
