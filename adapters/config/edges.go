package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// alertmanager is the one kind of sender there is.
const alertmanager = "alertmanager"

// token reads a named secret for the API.
func (r *reader) token(n *yaml.Node) bot.Token {
	m := r.open(n, "a token")
	t := bot.Token{Name: m.name("name", aToken), As: m.refer("as", aPerson)}
	t.Access, _ = m.access("access")
	m.need("access", "responder")
	m.need("token_env", "CI_TOKEN")
	t.Secret = m.secret("token_env")
	r.own(m.take("token_env"), "token", t.Secret)
	m.done()
	return t
}

// webhook reads a signed receiver of pages.
func (r *reader) webhook(n *yaml.Node) bot.Webhook {
	m := r.open(n, "a webhook")
	w := bot.Webhook{Name: m.name("name", aWebhook), URL: m.link("url")}
	m.need("url", "https://noc.example.com/tocsin")
	m.need("secret_env", "NOC_SECRET, with which its pages are signed")
	w.Secret = m.secret("secret_env")
	m.done()
	return w
}

// integration reads one sender of alerts.
func (r *reader) integration(n *yaml.Node) bot.Integration {
	m := r.open(n, "an integration")
	i := bot.Integration{Name: m.name("name", anIntegration), Owner: m.refer("owner", aTeam)}
	if n := m.need("type", alertmanager); n != nil {
		i.Type = r.senderType(n)
	}
	i.Tokens = r.hookTokens(m)
	i.Severities = r.words(m.take("severities"))
	m.notYet("secret_env", "signatures come in a later version; use token_env")
	m.done()
	return i
}

func (r *reader) senderType(n *yaml.Node) string {
	word, ok := r.scalar(n, `"type"`)
	if !ok || word == alertmanager {
		return word
	}
	if slices.Contains(laterSenders(), word) {
		r.fault(n, "type: %s: not yet: this sender comes in a later version; now there is alertmanager", word)
		return word
	}
	r.among(n, `"type"`, word, []string{alertmanager})
	return word
}

// laterSenders are the types of integration that come in a later version.
func laterSenders() []string {
	return []string{
		"aws", "azure", "betterstack", "checkmk", "cloudevents", "cloudwatch", "datadog", "dynatrace", "elastalert", "email",
		"gcp", "generic", "github", "grafana", "graylog", "healthchecks", "icinga", "json", "kibana", "kubernetes", "nagios",
		"newrelic", "opsgenie", "pagerduty", "pingdom", "prometheus", "sentry", "sns", "splunk", "statuscake", "uptimekuma",
		"webhook", "zabbix",
	}
}

// hookTokens reads the live secrets of an integration: one, or two while they
// are rotated, or none for the default one.
func (r *reader) hookTokens(m *mapping) []string {
	one, several := m.take("token_env"), m.take("token_envs")
	if one != nil && several != nil {
		r.fault(several, `"token_env" and "token_envs" exclude each other; keep one`)
	}
	if one != nil {
		return []string{r.secretOf(one, "token_env")}
	}
	entries := r.entries(several, "token_envs")
	if len(entries) > 2 {
		r.fault(entries[2], `"token_envs" holds at most two, the old and the new one; remove the oldest`)
	}
	var all []string
	for _, n := range entries {
		all = append(all, r.secretOf(n, "token_envs"))
	}
	return all
}

// words reads what a sender's own words mean. They are kept in small letters,
// since case makes no difference.
func (r *reader) words(n *yaml.Node) map[string]workflow.Severity {
	m := r.open(n, `"severities" of an integration`)
	if len(m.order) == 0 {
		return nil
	}
	all := map[string]workflow.Severity{}
	for _, word := range m.order {
		lower := strings.ToLower(strings.TrimSpace(word))
		if _, twice := all[lower]; twice {
			r.fault(m.pairs[word].key, "%s stands here twice, since case makes no difference; keep one", quote(word))
		}
		value := m.pairs[word].value
		text, ok := r.scalar(value, quote(word))
		if ok && r.among(value, "the severity of "+quote(word), text, severityWords()) {
			all[lower], _ = workflow.ParseSeverity(text)
		}
	}
	return all
}

// route reads one routing rule.
func (r *reader) route(n *yaml.Node) alerts.Route {
	m := r.open(n, "a route")
	route := alerts.Route{
		Line: n.Line, Match: m.expression(m.need("match", `'labels.job == "checkout"'`), "match"),
		Ignore: m.oneOf("do", "ignore") != "", Service: m.refer("service", aService),
		Severity: m.expression(m.take("severity"), "severity"),
		Group:    m.lines("group", 20, lineLength),
	}
	if route.Ignore {
		for _, key := range []string{"service", "severity", "group"} {
			if m.take(key) != nil {
				r.fault(m.pairs[key].key, "a route that ignores alerts has no %q; remove it, or remove \"do: ignore\"", key)
			}
		}
	}
	m.done()
	if r.options.CheckRoute != nil && route.Match != "" {
		m.invalid("", r.options.CheckRoute(route))
	}
	return route
}
