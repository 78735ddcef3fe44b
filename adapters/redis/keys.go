package redis

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/workflow"
)

// keys names everything in a namespace. All names begin with the same tag, so
// that they are in one slot of a Cluster and one script may use any of them.
// KEYS.md lists them.
type keys struct{ prefix string }

func newKeys(namespace string) keys { return keys{"{" + namespace + "}:"} }

func (k keys) of(name string) string { return k.prefix + name }

// incident is a key of an incident; part is one of the constants below.
func (k keys) incident(n int, part string) string {
	return k.prefix + "i:" + strconv.Itoa(n) + part
}

// The keys of one incident.
const (
	partIncident     = ""               // hash: see the constants below
	partEvents       = ":events"        // list, the first has Seq 1
	partMail         = ":mail"          // list: mail that was read
	partMessages     = ":messages"      // list, the first has Seq 1
	partMessageIndex = ":message_index" // hash: message key -> Seq
	partTasks        = ":tasks"         // hash: see common.lua
	partAlerts       = ":alerts"        // set: the IDs of its alerts
	partFiring       = ":firing"        // zset: the IDs of its firing alerts, in their order
)

// The fields of an incident's hash that are read here. common.lua lists all.
const (
	fieldVersion  = "v"
	fieldOpen     = "o"
	fieldPrevious = "p"
	fieldBody     = "b" // the snapshot, or the stub
	fieldCompact  = "z" // the compact form
	fieldChanged  = "c"
	fieldGroup    = "g"
	fieldMail     = "m" // followed by the number of unread mail
	fieldReadSeq  = "rs"
	fieldNextRead = "rn" // the last reading of mail and the pause
	fieldWakeAt   = "wa"
	fieldListing  = "l"
)

// The keys that are one per namespace.
const (
	keyLastNumber      = "last_number"
	keyAll             = "all"
	keyOpen            = "open"
	keyOwing           = "owing"
	keyEnded           = "ended"
	keyArchived        = "archived"
	keyLeases          = "leases"
	keyIdleLeases      = "idle_leases"
	keyLastToken       = "last_token"
	keyOperations      = "operations"
	keyOperationsByAge = "operations_by_age"
	keyListed          = "listed"
	keyRecordKinds     = "record_kinds"
	keyMeta            = "meta"
	keySecrets         = "secrets"
	keyProbe           = "probe"
	keyFeed            = "feed" // a channel
)

// alertID returns the ID of an alert. IDs are in the order in which [bot.Intake]
// lists alerts.
func alertID(integration, key string) string { return integration + "\x00" + key }

func (k keys) alert(id string) string         { return k.prefix + "a:" + id }
func (k keys) group(key string) string        { return k.prefix + "g:" + key }
func (k keys) records(kind string) string     { return k.prefix + "r:" + kind }
func (k keys) recordIDs(kind string) string   { return k.prefix + "ri:" + kind }
func (k keys) due(c workflow.Class) string    { return k.prefix + "due:" + strconv.Itoa(int(c)) }
func (k keys) leased(c workflow.Class) string { return k.prefix + "leased:" + strconv.Itoa(int(c)) }

// answers is the key for the answers of one process in one interval.
func (k keys) answers(process string) string { return k.prefix + "answers:" + process }

// common returns the keys that every script begins with, in the order of
// common.lua. The first is the key of the batch's answers.
func (k keys) common(answers string) []string {
	all := make([]string, 0, 13+2*len(workflow.Classes())+10)
	all = append(all, answers)
	for _, name := range []string{
		keyLastNumber, keyAll, keyOpen, keyOwing, keyEnded, keyArchived, keyLeases, keyIdleLeases, keyLastToken, keyOperations, keyOperationsByAge, keyListed,
	} {
		all = append(all, k.of(name))
	}
	for _, c := range workflow.Classes() {
		all = append(all, k.due(c), k.leased(c))
	}
	return all
}

// parts returns some of an incident's keys, in the order in which a script takes
// them.
func (k keys) parts(n int, parts ...string) []string {
	all := make([]string, 0, len(parts))
	for _, p := range parts {
		all = append(all, k.incident(n, p))
	}
	return all
}

// nanos encodes an instant as scripts compare it: 19 digits, or "" for no instant.
func nanos(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%019d", max(t.UnixNano(), 1))
}

// noInstant stands for the zero time where an encoding has a fixed width.
const noInstant = "0000000000000000000"

// padNanos is nanos where an encoding has a fixed width.
func padNanos(t time.Time) string {
	if t.IsZero() {
		return noInstant
	}
	return nanos(t)
}

// instant decodes what nanos or padNanos encoded.
func instant(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// score encodes an instant for searching a set: microseconds, rounded down, while
// common.lua rounds due times up.
func score(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// optionalID returns the ID of an incident, or "" for the number 0.
func optionalID(n int) string {
	if n == 0 {
		return ""
	}
	return workflow.ID(n)
}

// isKnownClass reports whether the agenda has sets for a class.
func isKnownClass(c workflow.Class) bool { return slices.Contains(workflow.Classes(), c) }

// wakeClass is the class of the standing wake-up as scripts write it.
func wakeClass() string { return strconv.Itoa(int(workflow.ClassWake)) }
