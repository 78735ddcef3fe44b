package redis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/workflow"
)

// keys names everything that a namespace holds. One tag in all of them puts
// them into one slot of a Cluster, so that a script may touch any of them.
type keys struct{ prefix string }

func newKeys(namespace string) keys { return keys{"{" + namespace + "}:"} }

func (k keys) of(name string) string { return k.prefix + name }

// incident is the hash of an incident; part is one of the constants below.
func (k keys) incident(n int64, part string) string {
	return k.prefix + "i:" + strconv.FormatInt(n, 10) + part
}

// The keys of one incident.
const (
	partHead   = ""        // hash: the small fields, the body, mail that is unread
	partEvents = ":events" // list, the first has Seq 1
	partMail   = ":mail"   // list: mail that was read
	partTalk   = ":talk"   // list, the first has Seq 1
	partSaid   = ":said"   // hash: the keys of its messages, and where they stand
	partTasks  = ":tasks"  // hash: see common.lua
	partAlerts = ":alerts" // set: IDs of its alerts
	partFiring = ":firing" // zset: those that fire, in the order of their IDs
)

// alertID orders alerts as [bot.Intake] lists them.
func alertID(integration, key string) string { return integration + "\x00" + key }

func (k keys) alert(id string) string         { return k.prefix + "a:" + id }
func (k keys) group(key string) string        { return k.prefix + "g:" + key }
func (k keys) records(kind string) string     { return k.prefix + "r:" + kind }
func (k keys) recordIDs(kind string) string   { return k.prefix + "ri:" + kind }
func (k keys) due(c workflow.Class) string    { return k.prefix + "due:" + strconv.Itoa(int(c)) }
func (k keys) leased(c workflow.Class) string { return k.prefix + "leased:" + strconv.Itoa(int(c)) }

// common are the keys that every script begins with, in the order of
// common.lua; tx is where the batch's answers are kept.
func (k keys) common(tx string) []string {
	all := make([]string, 0, 12+2*len(workflow.Classes())+10)
	all = append(all, k.of("tx:"+tx))
	for _, name := range []string{"number", "all", "open", "owing", "over", "shelf", "lease", "idle", "token", "op", "ops"} {
		all = append(all, k.of(name))
	}
	for _, c := range workflow.Classes() {
		all = append(all, k.due(c), k.leased(c))
	}
	return all
}

// parts are an incident's own keys, in the order in which scripts take them.
func (k keys) parts(n int64, parts ...string) []string {
	all := make([]string, 0, len(parts))
	for _, p := range parts {
		all = append(all, k.incident(n, p))
	}
	return all
}

// nanos writes an instant as scripts compare it: 19 digits, or nothing.
func nanos(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%019d", max(t.UnixNano(), 1))
}

// noInstant fills the place of an instant where the width counts.
const noInstant = "0000000000000000000"

// padded is nanos where the width counts.
func padded(t time.Time) string {
	if t.IsZero() {
		return noInstant
	}
	return nanos(t)
}

// instant reads what nanos or padded wrote.
func instant(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// score is an instant as sets are searched by it: microseconds, rounded down,
// where common.lua rounds up what is due.
func score(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// parseID reads an incident's ID.
func parseID(id string) (int64, bool) {
	digits, is := strings.CutPrefix(id, "INC-")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, is && err == nil && n > 0 && digits[0] != '0' && digits[0] != '+'
}

// idOf writes an incident's ID; 0 is "".
func idOf(n int64) string {
	if n == 0 {
		return ""
	}
	return "INC-" + strconv.FormatInt(n, 10)
}

// knownClass reports whether the agenda has sets for a class.
func knownClass(c workflow.Class) bool { return slices.Contains(workflow.Classes(), c) }

// wakeClass is the class of the standing wake-up, as scripts write it.
func wakeClass() string { return strconv.Itoa(int(workflow.ClassWake)) }
