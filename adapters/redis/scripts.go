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

// How long values that belong to no open incident are kept. The other keys of the
// namespace are deleted with their incident (forget.lua), or never.
const (
	keepReplies = 25 * time.Hour
	keepAlert   = 30 * 24 * time.Hour // an alert that does not fire, since it was last received
	keepGroup   = 30 * 24 * time.Hour // a group that was released, for the link to the previous incident
	keepAnswers = time.Minute         // answers of calls, in case they are lost on the way
)

// revisionWidth is the length of the revision at the beginning of an alert's value.
const revisionWidth = 16

// scripts are the Lua scripts. Each is atomic, and checks everything before it writes.
type scripts struct {
	commit, take, lease, renew, postpone, repair, archive, restore, forget, list *goredis.Script
}

func loadScripts() (scripts, error) {
	classes := make([]string, 0, len(workflow.Classes()))
	for _, c := range workflow.Classes() {
		classes = append(classes, fmt.Sprint(int(c)))
	}
	constants := fmt.Sprintf("local CLASSES, WAKE_CLASS, REVISION, KEEP_ALERT, KEEP_GROUP, KEEP_ANSWERS = '%s', '%s', %d, '%d', '%d', '%d'\n",
		strings.Join(classes, " "), wakeClass(), revisionWidth, keepAlert.Milliseconds(), keepGroup.Milliseconds(), keepAnswers.Milliseconds())
	common, err := lua.ReadFile("lua/common.lua")
	if err != nil {
		return scripts{}, err
	}
	var s scripts
	for name, into := range map[string]**goredis.Script{
		"commit": &s.commit, "take": &s.take, "lease": &s.lease, "renew": &s.renew, "postpone": &s.postpone, "repair": &s.repair,
		"archive": &s.archive, "restore": &s.restore, "forget": &s.forget, "list": &s.list,
	} {
		text, err := lua.ReadFile("lua/" + name + ".lua")
		if err != nil {
			return scripts{}, err
		}
		*into = goredis.NewScript(fmt.Sprintf("local SCRIPT = '%s'\n", name) + constants + string(common) + string(text))
	}
	return s, nil
}

// all returns every script, for loading.
func (s *scripts) all() []*goredis.Script {
	return []*goredis.Script{s.commit, s.take, s.lease, s.renew, s.postpone, s.repair, s.archive, s.restore, s.forget, s.list}
}
