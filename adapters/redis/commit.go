package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// restoreTries is how often a commit restores an archived incident: once it is
// restored, only the job that archives incidents can archive it again.
const restoreTries = 5

// Commit implements [bot.Incidents].
func (s *Store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	n, err := checkCommit(c)
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("commit %q: %w", c.Incident, err)
	}
	var receipt bot.Receipt
	for tries := 1; ; tries++ {
		var archived bool
		if receipt, archived, err = s.commit(ctx, c, n); !archived || err != nil {
			break
		}
		if err = s.restore(ctx, n); err == nil && tries == restoreTries {
			err = bot.ErrConflict
		}
		if err != nil {
			break
		}
	}
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("commit %s: %w", c.Incident, err)
	}
	return receipt, nil
}

// checkCommit returns the number of the commit's incident (0: none). It refuses an
// invalid ID, an unknown class, and tasks of other incidents.
func checkCommit(c bot.Commit) (int, error) {
	n := workflow.NumberOf(c.Incident)
	if n == 0 && c.Incident != "" {
		return 0, fmt.Errorf("this is not the ID of an incident")
	}
	for _, t := range c.Tasks {
		if t.Owner != c.Incident || !isKnownClass(t.Lane.Class) {
			return 0, fmt.Errorf("task %s of %q, class %d: a task must belong to the incident of its commit and to a known class", t.ID, t.Owner, t.Lane.Class)
		}
	}
	if c.Settle != nil && c.Settle.Owner != c.Incident {
		return 0, fmt.Errorf("task %s of %s belongs to another incident and cannot be settled here", c.Settle.ID, c.Settle.Owner)
	}
	return n, nil
}

// commit calls commit.lua. The result archived says that nothing was changed
// because the incident must be restored first.
func (s *Store) commit(ctx context.Context, c bot.Commit, n int) (r bot.Receipt, archived bool, err error) {
	reply, err := s.commits.do(ctx, s.commitCall(c, n))
	if err != nil {
		return r, false, err
	}
	values, err := stringList(reply)
	if err != nil {
		return r, false, err
	}
	switch values[0] {
	case "ok":
		version, err := strconv.Atoi(values[1])
		if err != nil {
			return r, false, fmt.Errorf("read the version: %w", err)
		}
		if values[2] == "1" {
			s.notifyWatchers(n)
		}
		if !dependsOnVersion(c) && n == 0 {
			version = c.Version
		}
		return bot.Receipt{Version: version, Reply: c.Reply}, false, nil
	case "repeated":
		return bot.Receipt{Repeated: true, Reply: bytesOf(values[3])}, false, nil
	case "archived":
		return r, true, nil
	case "missing_event":
		return r, false, fmt.Errorf("an event before its events is missing")
	}
	return r, false, checkReply(reply)
}

// scriptErrors are the errors for what scripts answer when a check fails.
func scriptErrors() map[string]error {
	return map[string]error{"conflict": bot.ErrConflict, "taken": bot.ErrTaken, "lease_lost": bot.ErrLeaseLost, "not_found": bot.ErrNotFound}
}

// dependsOnVersion reports whether a commit depends on the version that was loaded.
// A commit that only settles a task does not.
func dependsOnVersion(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || len(c.Events) > 0 || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// commitCall returns the call of commit.lua.
func (s *Store) commitCall(c bot.Commit, n int) *call {
	group := ""
	if c.Group != nil {
		group = c.Group.Key
	}
	keys := append(s.keys.parts(n, partIncident, partEvents, partMail, partMessages, partMessageIndex, partTasks), s.keys.group(group), s.keys.of(keyRecordKinds))
	for _, r := range c.Records {
		keys = append(keys, s.keys.records(r.Kind), s.keys.recordIDs(r.Kind))
	}
	number := ""
	if n != 0 {
		number = strconv.Itoa(n)
	}
	a := &arguments{}
	a.add(s.keys.of(keyFeed), s.origin, number, nanos(c.At), nanos(c.At.Add(alerts.MailInterval)))
	a.add(c.Operation, c.Reply, nanos(c.At.Add(-keepReplies)))
	if c.Settle == nil {
		a.add("", "", "", 0)
	} else {
		a.add(int(c.Settle.Lane.Class), c.Settle.Lane.Destination, c.Settle.Token, c.Settle.Rev)
	}
	a.add(dependsOnVersion(c), c.Version, c.Snapshot != nil, c.Snapshot, c.Open, nanos(c.WakeAt), c.Listing.String())
	if c.Group == nil {
		a.add(false, false, noInstant)
	} else {
		a.add(true, c.Group.Always, padNanos(c.Group.Until))
	}
	a.add(c.ReadMail, len(c.Events))
	for _, e := range c.Events {
		a.add(e.Seq, e.Body)
	}
	a.add(len(c.Tasks))
	for _, t := range c.Tasks {
		a.add(int(t.Lane.Class), t.Lane.Destination, encodeTask(t), t.Rev > 0)
	}
	a.add(len(c.Records))
	for _, r := range c.Records {
		a.add(r.Kind, r.ID, r.Version, r.Body == nil, r.Body)
	}
	for _, messages := range [][]bot.StoredMessage{c.Messages, c.EditedMessages} {
		a.add(len(messages))
		for _, m := range messages {
			a.add(m.Key, m.Body)
		}
	}
	return &call{script: s.scripts.commit, keys: keys, args: a.all, size: a.size}
}

// arguments are the arguments of a script.
type arguments struct {
	all  []any
	size int
}

// add appends texts, bytes, numbers, and booleans, which Redis gets as 1 and 0.
func (a *arguments) add(values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case string:
			a.size += len(v)
		case []byte:
			a.size += len(v)
		}
		a.all = append(a.all, v)
	}
	a.size += 16 * len(values)
}

// encodeTask encodes a task as common.lua describes it: what postpone.lua changes
// comes first.
func encodeTask(t bot.Task) string {
	return padNanos(t.Due) + strconv.Itoa(t.Attempt) + "\n" + strconv.Itoa(t.Rev) + "\n" + strconv.Itoa(len(t.ID)) + "\n" + t.ID + string(t.Body)
}

// decodeTask decodes what encodeTask encoded.
func decodeTask(encoded string, owner int, lane workflow.Lane) (bot.Task, error) {
	damaged := fmt.Errorf("decode a task of %s, lane %d %s: it is damaged", workflow.ID(owner), lane.Class, lane.Destination)
	parts := strings.SplitN(encoded, "\n", 4)
	if len(parts) < 4 || len(parts[0]) < len(noInstant) {
		return bot.Task{}, damaged
	}
	attempt, err1 := strconv.Atoi(parts[0][len(noInstant):])
	rev, err2 := strconv.Atoi(parts[1])
	width, err3 := strconv.Atoi(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || width < 0 || width > len(parts[3]) {
		return bot.Task{}, damaged
	}
	return bot.Task{
		ID: parts[3][:width], Owner: workflow.ID(owner), Lane: lane, Due: instant(parts[0][:len(noInstant)]), Attempt: attempt, Rev: rev,
		Body: bytesOf(parts[3][width:]),
	}, nil
}

// bytesOf converts a text to bytes; "" is nil, as the other stores return it.
func bytesOf(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// Reserve implements [bot.Incidents]. A number whose reply is lost leaves a gap in
// the numbering and nothing else.
func (s *Store) Reserve(ctx context.Context) (int, error) {
	var n int64
	err := s.read(ctx, func() (err error) {
		n, err = s.client.Incr(ctx, s.keys.of(keyLastNumber)).Result()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reserve a number: %w", err)
	}
	return int(n), nil
}
