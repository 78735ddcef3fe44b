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

// maxAge is how long an incident that is over may be kept before something
// becomes of it.
const maxAge = 3660 * day

// recurring reads the recurring jobs and what they need.
func (r *reader) recurring(root *mapping, o *bot.Organization) {
	o.Jobs = bot.DefaultJobs(o.Zone)
	o.Deadman = r.deadman(root.take("deadman"))
	o.Retention = r.retention(root.take("retention"), o.Retention)
	m := r.open(root.take("jobs"), `"jobs"`)
	m.notYet("handover", "the hand-over comes with on-call schedules, in a later version; remove it")
	m.notYet("weekly-digest", "the digest comes in a later version; remove it")
	names := make([]string, 0, len(o.Jobs))
	for n := range o.Jobs {
		job := &o.Jobs[n]
		names = append(names, job.Name)
		job.Enabled = job.Name == bot.JobArchive || job.Name == bot.JobDeadman && o.Deadman != ""
		p, there := m.pairs[job.Name]
		if !there {
			continue
		}
		if absent(p.value) { // its name alone says that it is meant to run
			p.value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: p.key.Line, Column: p.key.Column}
		}
		r.job(p, job, o)
	}
	for _, key := range m.order {
		if slices.Contains(names, key) || slices.Contains(m.future, key) {
			continue
		}
		if meant := commands.Nearest(key, names); meant != "" {
			r.fault(m.pairs[key].key, "there is no job %s; did you mean %q?", quote(key), meant)
		} else {
			r.fault(m.pairs[key].key, "there is no job %s; there is %s", quote(key), either(names))
		}
	}
}

// job reads what is said of one job.
func (r *reader) job(p pair, job *bot.Job, o *bot.Organization) {
	m := r.open(p.value, "the job "+quote(job.Name))
	zone := job.Schedule.Zone()
	if own := m.zone("timezone"); own != nil {
		zone = own
	}
	spec, at := job.Schedule.Spec(), m.take("cron")
	if at != nil {
		spec, _ = r.scalar(at, `"cron"`)
	}
	if spec != "" {
		schedule, err := timetable.Parse(spec, zone)
		if err != nil {
			r.fault(at, "%q: %s", "cron", firstLine(err.Error()))
		} else {
			job.Schedule = schedule
		}
	}
	if missed := m.oneOf("missed", string(bot.RunLate), string(bot.Skip)); missed != "" {
		job.Missed = bot.MissedPolicy(missed)
	}
	tells := job.Name == bot.JobAuditReport || job.Name == bot.JobOverdueUpdates
	to := m.take("to")
	if to != nil && !tells {
		r.fault(m.pairs["to"].key, "the job %q tells nobody; remove \"to\"", job.Name)
	} else if to != nil {
		job.To = r.audience(to)
	}
	job.Enabled = m.take("enabled") == nil || m.flag("enabled")
	m.done()
	switch {
	case !job.Enabled || m.broken:
	case tells && to == nil:
		r.fault(p.key, "the job %q needs \"to\": whom it tells, such as \"person:ana\" or \"team:payments\"; or write enabled: false", job.Name)
	case job.Name == bot.JobDeadman && o.Deadman == "" && !r.hasDeadman:
		r.fault(p.key, "the job \"deadman\" needs the section \"deadman\", such as { url_env: DEADMAN_URL }; or write enabled: false")
	}
}

// audience reads whom a job tells: one target or a list.
func (r *reader) audience(n *yaml.Node) []workflow.Target {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
		if len(entries) == 0 {
			r.fault(n, `"to" names nobody; write one such as "person:ana", or remove it`)
		}
	}
	if len(entries) > maxRecipients {
		r.fault(entries[maxRecipients], "a job tells at most %d targets; name a team", maxRecipients)
	}
	var all []workflow.Target
	for _, n := range entries {
		if n.Kind == yaml.ScalarNode && strings.HasPrefix(strings.TrimSpace(n.Value), string(aPolicy)+":") {
			r.fault(n, "%s: a policy is for paging; a job tells person:, team:, webhook: or room: targets, or log", quote(n.Value))
			continue
		}
		all = append(all, r.target(n, `"to"`))
	}
	return all
}

// retention reads what becomes of incidents that are over.
func (r *reader) retention(n *yaml.Node, otherwise bot.Retention) bot.Retention {
	m := r.open(n, `"retention"`)
	keep := otherwise
	if at := m.take("archive_after"); at != nil {
		keep.ArchiveAfter = r.age(at, "archive_after", time.Hour)
	}
	if at := m.take("delete_after"); at != nil {
		keep.DeleteAfter = r.age(at, "delete_after", day)
		if keep.DeleteAfter > 0 && keep.DeleteAfter < keep.ArchiveAfter {
			r.fault(at, `"delete_after" is shorter than "archive_after", which is %s; make it longer, or remove it, and nothing is deleted`, days(keep.ArchiveAfter))
		}
	}
	m.done()
	return keep
}

// days writes a duration as this file does.
func days(d time.Duration) string {
	if d%day == 0 {
		return strings.TrimSuffix((d/24).String(), "h0m0s") + "d"
	}
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// age reads a duration that may be years.
func (r *reader) age(n *yaml.Node, key string, least time.Duration) time.Duration {
	word, ok := r.scalar(n, quote(key))
	if !ok {
		return 0
	}
	d, err := parseUpTo(word, maxAge)
	switch {
	case err != nil:
		r.fault(n, "%q: %s", key, err)
	case d < least:
		r.fault(n, "%q is at least %s, not %s", key, days(least), quote(word))
	}
	return d
}

// deadman reads the address that is pinged while all is well. No fault shows
// it: whoever knows it can keep the alarm silent.
func (r *reader) deadman(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	r.hasDeadman = true
	m := r.open(n, `"deadman"`)
	m.need("url_env", "DEADMAN_URL: the name of the environment variable that holds the address to ping")
	address := m.secret("url_env")
	m.done()
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		r.fault(m.pairs["url_env"].value, `"url_env": what the variable holds is no whole address; it begins with https://`)
		return ""
	}
	return address
}
