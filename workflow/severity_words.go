package workflow

import (
	"slices"
	"strings"
	"unicode"
)

// NeverPages is the severity of words such as "debug": the alert is recorded, and opens
// no incident.
const NeverPages Severity = 0

// SeverityWords returns the words that alert sources use for a severity, as
// [SeverityOfWord] reads them: in lower case, without spaces, hyphens and underscores.
// They are those of Prometheus, Grafana, Nagios, Icinga, Checkmk, Zabbix, PRTG, Datadog,
// New Relic, Sentry, syslog, X.733, SCOM, PagerDuty, Opsgenie and Google Cloud.
func SeverityWords(s Severity) []string {
	switch s {
	case SEV1:
		return []string{
			"critical", "crit", "fatal", "emergency", "emerg", "panic", "alert", "disaster", "catastrophic", "page", "paging",
			"down", "outage", "blocker", "urgent", "highest", "veryhigh", "severe", "p0", "sev0",
		}
	case SEV2:
		return []string{"error", "err", "high", "major", "serious", "important", "unreachable", "trouble", "alarm", "failure", "failed"}
	case SEV3:
		return []string{"warning", "warn", "average", "medium", "moderate", "unknown", "indeterminate", "notclassified", "nodata", "insufficientdata"}
	case SEV4:
		return []string{"low", "minor", "ticket"}
	case SEV5:
		return []string{"info", "information", "informational", "notice", "lowest", "verylow", "trivial"}
	case NeverPages:
		return []string{
			"none", "ok", "okay", "debug", "trace", "verbose", "normal", "clear", "cleared", "success", "up", "healthy",
			"recovery", "recovered", "resolved", "closed", "test",
		}
	}
	return nil
}

// SeverityOfWord returns the severity for a word that an alert source uses, in any case
// (I11: severity words are mapped): one of [SeverityWords], or a number from 1 to 5, alone
// or after p, prio, priority, s, sev or severity. NeverPages is a result too. For an
// unknown word ok is false and the severity SEV3: such an alert pages with high urgency.
func SeverityOfWord(word string) (s Severity, ok bool) {
	word = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
	for _, s := range []Severity{SEV1, SEV2, SEV3, SEV4, SEV5, NeverPages} {
		if slices.Contains(SeverityWords(s), word) {
			return s, true
		}
	}
	for _, prefix := range []string{"", "priority", "prio", "p", "severity", "sev", "s"} {
		digit, found := strings.CutPrefix(word, prefix)
		if found && len(digit) == 1 && digit[0] >= '1' && digit[0] <= '5' {
			return Severity(digit[0] - '0'), true
		}
	}
	return SEV3, false
}
