package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// readToken reads a named token of the API.
func (r *reader) readToken(n *yaml.Node) bot.Token {
	m := r.openMapping(n, "a token")
	t := bot.Token{Name: m.readName("name", kindToken), As: m.readReference("as", kindPerson)}
	t.Access, _ = m.readAccess("access")
	m.require("access", "responder")
	m.require("token_env", "CI_TOKEN")
	t.Secret = m.readSecret("token_env")
	r.checkUnique(m.take("token_env"), "token", t.Secret)
	m.rejectUnknown()
	return t
}

// readWebhook reads a receiver of signed pages.
func (r *reader) readWebhook(n *yaml.Node) bot.Webhook {
	m := r.openMapping(n, "a webhook")
	w := bot.Webhook{Name: m.readName("name", kindWebhook), URL: m.readURL("url")}
	m.require("url", "https://noc.example.com/tocsin")
	m.require("secret_env", "NOC_SECRET, whose value signs its pages")
	w.Secret = m.readSecret("secret_env")
	m.rejectUnknown()
	return w
}

// readIntegration reads a sender of alerts.
func (r *reader) readIntegration(n *yaml.Node) bot.Integration {
	m := r.openMapping(n, "an integration")
	i := bot.Integration{Name: m.readName("name", kindIntegration), Owner: m.readReference("owner", kindTeam)}
	if n := m.require("type", r.exampleType()); n != nil {
		i.Type = r.readSourceType(n)
	}
	i.Tokens = r.readHookTokens(m)
	i.Severities = r.readSeverityWords(m.take("severities"))
	m.rejectFuture("secret_env", "signatures come in a later version; use token_env")
	m.rejectUnknown()
	return i
}

// readSourceType reads the type of an integration.
func (r *reader) readSourceType(n *yaml.Node) string {
	word, ok := r.readScalar(n, `"type"`)
	types := r.sourceTypes()
	switch {
	case !ok || len(types) == 0 || slices.Contains(types, word):
	case slices.Contains(futureSources(), word):
		r.addFault(n, "type: %s is not supported yet: this source comes in a later version; use %s", word, joinWords(types))
	default:
		r.checkWord(n, `"type"`, word, types)
	}
	return word
}

// sourceTypes returns the supported types of integrations.
func (r *reader) sourceTypes() []string {
	types := make([]string, 0, len(r.options.Sources))
	for _, source := range r.options.Sources {
		types = append(types, source.Type)
	}
	return types
}

// exampleType returns an example of a type.
func (r *reader) exampleType() string {
	if types := r.sourceTypes(); len(types) > 0 {
		return types[0]
	}
	return "TYPE"
}

// futureSources returns the types of integrations that a later version
// supports.
func futureSources() []string {
	return []string{
		"aws", "azure", "betterstack", "checkmk", "cloudevents", "cloudwatch", "datadog", "dynatrace", "elastalert", "email",
		"gcp", "generic", "github", "grafana", "graylog", "healthchecks", "icinga", "json", "kibana", "kubernetes", "nagios",
		"newrelic", "opsgenie", "pagerduty", "pingdom", "prometheus", "sentry", "sns", "splunk", "statuscake", "uptimekuma",
		"webhook", "zabbix",
	}
}

// readHookTokens reads the live tokens of an integration: one, two while they
// are rotated, or none, which means the default token.
func (r *reader) readHookTokens(m *mapping) []string {
	one, several := m.take("token_env"), m.take("token_envs")
	if one != nil && several != nil {
		r.addFault(several, `"token_env" and "token_envs" cannot be used together; keep one`)
	}
	if one != nil {
		return []string{r.readSecretNode(one, "token_env")}
	}
	entries := r.readEntries(several, "token_envs")
	if len(entries) > 2 {
		r.addFault(entries[2], `"token_envs" can have at most two, the old and the new one; remove the oldest`)
	}
	var all []string
	for _, n := range entries {
		all = append(all, r.readSecretNode(n, "token_envs"))
	}
	return all
}

// readSeverityWords reads which severities the words of a sender mean. The
// words are returned in lower case, because case does not matter.
func (r *reader) readSeverityWords(n *yaml.Node) map[string]workflow.Severity {
	m := r.openMapping(n, `"severities" of an integration`)
	if len(m.order) == 0 {
		return nil
	}
	all := map[string]workflow.Severity{}
	for _, word := range m.order {
		lower := strings.ToLower(strings.TrimSpace(word))
		if _, ok := all[lower]; ok {
			r.addFault(m.pairs[word].key, "%s is written twice, since case does not matter; keep one", quote(word))
		}
		value := m.pairs[word].value
		text, isText := r.readScalar(value, quote(word))
		if isText && r.checkWord(value, "the severity of "+quote(word), text, severityWords()) {
			all[lower], _ = workflow.ParseSeverity(text)
		}
	}
	return all
}

// readRoute reads a routing rule.
func (r *reader) readRoute(n *yaml.Node) alerts.Route {
	m := r.openMapping(n, "a route")
	route := alerts.Route{
		Line: n.Line, Match: m.readExpression(m.require("match", `'labels.job == "checkout"'`), "match"),
		Ignore: m.readWord("do", "ignore") != "", Service: m.readReference("service", kindService),
		Severity: m.readExpression(m.take("severity"), "severity"),
		Group:    m.readLines("group", 20, lineLength),
	}
	if route.Ignore {
		for _, key := range []string{"service", "severity", "group"} {
			if m.take(key) != nil {
				r.addFault(m.pairs[key].key, "a route that ignores alerts cannot have %q; remove it, or remove \"do: ignore\"", key)
			}
		}
	}
	m.rejectUnknown()
	if r.options.CheckRoute != nil && route.Match != "" {
		m.reportInvalid("", r.options.CheckRoute(route))
	}
	return route
}
