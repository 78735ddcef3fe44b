package redis

import (
	"embed"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/workflow"
)

//go:embed lua/*.lua
var lua embed.FS

// How long what belongs to no open incident is kept. The namespace's other
// keys end with their incident (forget.lua) or with the 25 hours of operations.
const (
	keepReplies = 25 * time.Hour
	keepAlert   = 30 * 24 * time.Hour // one that does not fire, since it was last told of
	keepGroup   = 30 * 24 * time.Hour // one that nobody holds for ever: for what follows it
	keepTx      = time.Minute         // what calls have answered, in case that it was lost
)

// revisionWidth is the length of the revision in front of an alert.
const revisionWidth = 16

// scripts are the transitions. Each is atomic, checks first and writes last.
type scripts struct {
	commit, take, lease, postpone, mend, shelve, restore, forget *goredis.Script
}

func loadScripts() (scripts, error) {
	classes := make([]string, 0, len(workflow.Classes()))
	for _, c := range workflow.Classes() {
		classes = append(classes, fmt.Sprint(int(c)))
	}
	constants := fmt.Sprintf("local CLASSES, WAKE_CLASS, REVISION, KEEP_ALERT, KEEP_GROUP, KEEP_TX = '%s', '%s', %d, '%d', '%d', '%d'\n",
		strings.Join(classes, " "), wakeClass(), revisionWidth, keepAlert.Milliseconds(), keepGroup.Milliseconds(), keepTx.Milliseconds())
	common, err := lua.ReadFile("lua/common.lua")
	if err != nil {
		return scripts{}, err
	}
	var s scripts
	for name, into := range map[string]**goredis.Script{
		"commit": &s.commit, "take": &s.take, "lease": &s.lease, "postpone": &s.postpone, "mend": &s.mend,
		"shelve": &s.shelve, "restore": &s.restore, "forget": &s.forget,
	} {
		text, err := lua.ReadFile("lua/" + name + ".lua")
		if err != nil {
			return scripts{}, err
		}
		*into = goredis.NewScript(fmt.Sprintf("local SCRIPT = '%s'\n", name) + constants + string(common) + string(text))
	}
	return s, nil
}

// list is every script, to be loaded.
func (s *scripts) list() []*goredis.Script {
	return []*goredis.Script{s.commit, s.take, s.lease, s.postpone, s.mend, s.shelve, s.restore, s.forget}
}
