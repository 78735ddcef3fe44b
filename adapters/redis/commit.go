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

// shelvedTries bounds how often a change meets an incident in compact form:
// once it is restored, only the job that shelves can be in the way again.
const shelvedTries = 5

// Commit implements [bot.Incidents].
func (s *Store) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	n, err := wellFormed(c)
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("commit %q: %w", c.Incident, err)
	}
	var receipt bot.Receipt
	for tries := 1; ; tries++ {
		var again bool
		if receipt, again, err = s.commit(ctx, c, n); !again || err != nil {
			break
		}
		if err = s.unshelve(ctx, n); err == nil && tries == shelvedTries {
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

// wellFormed refuses what no incident or class is known for.
func wellFormed(c bot.Commit) (int64, error) {
	n, is := parseID(c.Incident)
	if !is && c.Incident != "" {
		return 0, fmt.Errorf("this is no incident's ID")
	}
	for _, t := range c.Tasks {
		if t.Owner != c.Incident || !knownClass(t.Lane.Class) {
			return 0, fmt.Errorf("task %s of %q, class %d: a task belongs to the incident of its commit, and to a known class", t.ID, t.Owner, t.Lane.Class)
		}
	}
	if c.Settle != nil && c.Settle.Owner != c.Incident {
		return 0, fmt.Errorf("task %s of %s is not this incident's to settle", c.Settle.ID, c.Settle.Owner)
	}
	return n, nil
}

func (s *Store) commit(ctx context.Context, c bot.Commit, n int64) (r bot.Receipt, shelved bool, err error) {
	reply, err := s.commits.do(ctx, s.commitCall(c, n))
	if err != nil {
		return r, false, err
	}
	said, err := words(reply)
	if err != nil {
		return r, false, err
	}
	switch said[0] {
	case "ok":
		version, err := strconv.Atoi(said[1])
		if err != nil {
			return r, false, fmt.Errorf("read the version: %w", err)
		}
		if said[2] == "1" {
			s.changed(n)
		}
		if !stepped(c) && n == 0 {
			version = c.Version
		}
		return bot.Receipt{Version: version, Reply: c.Reply}, false, nil
	case "repeat":
		return bot.Receipt{Repeated: true, Reply: bytesOf(said[3])}, false, nil
	case "shelved":
		return r, true, nil
	case "gap":
		return r, false, fmt.Errorf("its events do not follow those that are there")
	}
	return r, false, outcome(reply)
}

// refusals are what scripts answer when a check fails.
func refusals() map[string]error {
	return map[string]error{"conflict": bot.ErrConflict, "taken": bot.ErrTaken, "lost": bot.ErrLeaseLost, "missing": bot.ErrNotFound}
}

// stepped reports whether a commit depends on the version it was loaded at.
// One that only settles a task does not.
func stepped(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || len(c.Events) > 0 || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// commitCall is the call of commit.lua.
func (s *Store) commitCall(c bot.Commit, n int64) *call {
	group := ""
	if c.Group != nil {
		group = c.Group.Key
	}
	keys := append(s.keys.parts(n, partHead, partEvents, partMail, partTalk, partSaid, partTasks), s.keys.group(group), s.keys.of("kinds"))
	for _, r := range c.Records {
		keys = append(keys, s.keys.records(r.Kind), s.keys.recordIDs(r.Kind))
	}
	number := ""
	if n != 0 {
		number = strconv.FormatInt(n, 10)
	}
	a := &arguments{}
	a.add(s.keys.of("feed"), s.origin, number, nanos(c.At), nanos(c.At.Add(alerts.MailInterval)))
	a.add(c.Operation, c.Reply, nanos(c.At.Add(-keepReplies)))
	if c.Settle == nil {
		a.add("", "", "", 0)
	} else {
		a.add(int(c.Settle.Lane.Class), c.Settle.Lane.Destination, c.Settle.Token, c.Settle.Rev)
	}
	a.add(stepped(c), c.Version, c.Snapshot != nil, c.Snapshot, c.Open, nanos(c.WakeAt))
	if c.Group == nil {
		a.add(false, false, noInstant)
	} else {
		a.add(true, c.Group.Always, padded(c.Group.Until))
	}
	a.add(c.ReadMail, len(c.Events))
	for _, e := range c.Events {
		a.add(e.Seq, e.Body)
	}
	a.add(len(c.Tasks))
	for _, t := range c.Tasks {
		a.add(int(t.Lane.Class), t.Lane.Destination, packTask(t), t.Rev > 0)
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

// arguments are what a script is called with.
type arguments struct {
	all  []any
	size int
}

// add appends texts, bytes, numbers, and truths as 1 and 0.
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

// packTask writes a task as common.lua describes it: what a lane can be
// postponed by comes first.
func packTask(t bot.Task) string {
	return padded(t.Due) + strconv.Itoa(t.Attempt) + "\n" + strconv.Itoa(t.Rev) + "\n" + strconv.Itoa(len(t.ID)) + "\n" + t.ID + string(t.Body)
}

// unpackTask reads what packTask wrote.
func unpackTask(packed string, owner int64, lane workflow.Lane) (bot.Task, error) {
	fault := fmt.Errorf("read a task of %s, lane %d %s: it is damaged", idOf(owner), lane.Class, lane.Destination)
	parts := strings.SplitN(packed, "\n", 4)
	if len(parts) < 4 || len(parts[0]) < len(noInstant) {
		return bot.Task{}, fault
	}
	attempt, err1 := strconv.Atoi(parts[0][len(noInstant):])
	rev, err2 := strconv.Atoi(parts[1])
	width, err3 := strconv.Atoi(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || width < 0 || width > len(parts[3]) {
		return bot.Task{}, fault
	}
	return bot.Task{
		ID: parts[3][:width], Owner: idOf(owner), Lane: lane, Due: instant(parts[0][:len(noInstant)]), Attempt: attempt, Rev: rev,
		Body: bytesOf(parts[3][width:]),
	}, nil
}

// bytesOf is nil for nothing, as stores answer it.
func bytesOf(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// Reserve implements [bot.Incidents]. A number whose answer is lost leaves a
// gap, and nothing else.
func (s *Store) Reserve(ctx context.Context) (int, error) {
	var n int64
	err := s.read(ctx, func() (err error) {
		n, err = s.client.Incr(ctx, s.keys.of("number")).Result()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reserve a number: %w", err)
	}
	return int(n), nil
}
