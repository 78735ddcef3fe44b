package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/bot/timetable"
	"tocsin/commands"
	"tocsin/workflow"
)

// maxAge is the maximum time after which ended incidents are archived or
// deleted.
const maxAge = 3660 * day

// readJobs reads the recurring jobs, with the sections deadman and retention.
func (r *reader) readJobs(root *mapping, o *bot.Organization) {
	o.Jobs = bot.DefaultJobs(o.Zone)
	o.Deadman = r.readDeadman(root.take("deadman"))
	o.Retention = r.readRetention(root.take("retention"), o.Retention)
	m := r.openMapping(root.take("jobs"), `"jobs"`)
	m.rejectFuture("handover", "the hand-over comes with on-call schedules, in a later version; remove it")
	m.rejectFuture("weekly-digest", "the digest comes in a later version; remove it")
	names := make([]string, 0, len(o.Jobs))
	for n := range o.Jobs {
		job := &o.Jobs[n]
		names = append(names, job.Name)
		job.Enabled = job.Name == bot.JobArchive || job.Name == bot.JobDeadman && o.Deadman != ""
		p, ok := m.pairs[job.Name]
		if !ok {
			continue
		}
		if isAbsent(p.value) { // the name alone enables the job
			p.value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: p.key.Line, Column: p.key.Column}
		}
		r.readJob(p, job, o)
	}
	for _, key := range m.order {
		if slices.Contains(names, key) || slices.Contains(m.future, key) {
			continue
		}
		if meant := commands.Nearest(key, names); meant != "" {
			r.addFault(m.pairs[key].key, "there is no job %s; did you mean %q?", quote(key), meant)
		} else {
			r.addFault(m.pairs[key].key, "there is no job %s; use %s", quote(key), joinWords(names))
		}
	}
}

// readJob reads the settings of one job.
func (r *reader) readJob(p pair, job *bot.Job, o *bot.Organization) {
	m := r.openMapping(p.value, "the job "+quote(job.Name))
	zone := job.Schedule.Zone()
	if own := m.readZone("timezone"); own != nil {
		zone = own
	}
	spec, at := job.Schedule.Spec(), m.take("cron")
	if at != nil {
		spec, _ = r.readScalar(at, `"cron"`)
	}
	if spec != "" {
		schedule, err := timetable.Parse(spec, zone)
		if err != nil {
			r.addFault(at, "%q: %s", "cron", firstLine(err.Error()))
		} else {
			job.Schedule = schedule
		}
	}
	if missed := m.readWord("missed", string(bot.RunLate), string(bot.Skip)); missed != "" {
		job.Missed = bot.MissedPolicy(missed)
	}
	notifies := job.Name == bot.JobAuditReport || job.Name == bot.JobOverdueUpdates
	to := m.take("to")
	if to != nil && !notifies {
		r.addFault(m.pairs["to"].key, "the job %q notifies no one; remove \"to\"", job.Name)
	} else if to != nil {
		job.To = r.readRecipients(to)
	}
	job.Enabled = m.take("enabled") == nil || m.readFlag("enabled")
	m.rejectUnknown()
	switch {
	case !job.Enabled || m.broken:
	case notifies && to == nil:
		r.addFault(p.key, "the job %q needs \"to\", the targets that it notifies, such as \"person:ana\" or \"team:payments\"; or write enabled: false", job.Name)
	case job.Name == bot.JobDeadman && o.Deadman == "" && !r.hasDeadman:
		r.addFault(p.key, "the job \"deadman\" needs the section \"deadman\", such as { url_env: DEADMAN_URL }; or write enabled: false")
	}
}

// readRecipients reads the targets that a job notifies: one or a list.
func (r *reader) readRecipients(n *yaml.Node) []workflow.Target {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
		if len(entries) == 0 {
			r.addFault(n, `"to" is empty; write a target such as "person:ana", or remove it`)
		}
	}
	if len(entries) > maxRecipients {
		r.addFault(entries[maxRecipients], "a job can notify at most %d targets; use a team", maxRecipients)
	}
	var all []workflow.Target
	for _, n := range entries {
		if n.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(n.Value), string(kindPolicy)+":") {
			r.addFault(n, "%s: a job cannot notify a policy; use person:, team:, webhook: or room: targets, or log", quote(n.Value))
			continue
		}
		all = append(all, r.readTarget(n, `"to"`))
	}
	return all
}

// readRetention reads when ended incidents are archived and deleted.
func (r *reader) readRetention(n *yaml.Node, otherwise bot.Retention) bot.Retention {
	m := r.openMapping(n, `"retention"`)
	keep := otherwise
	if at := m.take("archive_after"); at != nil {
		keep.ArchiveAfter = r.readAge(at, "archive_after", time.Hour)
	}
	if at := m.take("delete_after"); at != nil {
		keep.DeleteAfter = r.readAge(at, "delete_after", day)
		if keep.DeleteAfter >= day && keep.DeleteAfter < keep.ArchiveAfter { // less than a day is reported above
			r.addFault(at, `"delete_after" is shorter than "archive_after", which is %s; make it longer, or remove it, so that nothing is deleted`, formatDays(keep.ArchiveAfter))
		}
	}
	m.rejectUnknown()
	return keep
}

// formatDays formats a duration as it is written in the file.
func formatDays(d time.Duration) string {
	if d%day == 0 {
		return strings.TrimSuffix((d/24).String(), "h0m0s") + "d"
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// readAge reads a duration of up to maxAge.
func (r *reader) readAge(n *yaml.Node, key string, least time.Duration) time.Duration {
	word, ok := r.readScalar(n, quote(key))
	if !ok {
		return 0
	}
	d, err := parseDurationUpTo(word, maxAge)
	switch {
	case err != nil:
		r.addFault(n, "%q: %s", key, err)
	case d < least:
		r.addFault(n, "%q must be at least %s, not %s", key, formatDays(least), quote(word))
	}
	return d
}

// readDeadman reads the URL that the job deadman pings. Faults do not show it:
// with the URL, anyone could keep the alarm from going off.
func (r *reader) readDeadman(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	r.hasDeadman = true
	m := r.openMapping(n, `"deadman"`)
	m.require("url_env", "DEADMAN_URL: the name of the environment variable that holds the address to ping")
	address := m.readSecret("url_env")
	m.rejectUnknown()
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		r.addFault(m.pairs["url_env"].value, `"url_env": the variable must hold a whole URL that begins with https://`)
		return ""
	}
	return address
}
