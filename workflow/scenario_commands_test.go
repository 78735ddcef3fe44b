package workflow_test

import (
	"strconv"
	"strings"
	"time"

	. "tocsin/workflow"
)

// command returns the command and the mail of a scenario line. The lines look like what
// people type, but are a language of these tests: package commands is not used here.
func (s *scenario) command(list []string, keys map[string]string) (Command, []Mail) {
	rest := strings.Join(list[1:], " ")
	arg := func(n int) string {
		if n < len(list) {
			return list[n]
		}
		return ""
	}
	num := func(key string) int {
		n, err := strconv.Atoi(keys[key])
		if keys[key] != "" && err != nil {
			s.t.Fatalf("%s=%s: %v", key, keys[key], err)
		}
		return n
	}
	sev := func(text string) Severity {
		v, _ := ParseSeverity(text)
		return v
	}
	switch list[0] {
	case "declare":
		return Declare{
			Title: rest, Severity: sev(keys["sev"]), Source: Source(keys["source"]), Private: keys["private"] != "",
			Impact: Level(keys["impact"]), Urgency: Level(keys["urgency"]), Group: keys["group"],
		}, nil
	case "alert":
		m := Mail{
			At: s.now, Started: num("new"), Refired: num("again"), Ended: num("ended"),
			Worst: sev(keys["worst"]), Truncated: num("truncated"), Raised: num("raised"), Changed: num("changed"), WasHeld: num("was-held"),
		}
		for n := range num("held") {
			m.Held = append(m.Held, HeldAlert{Integration: "prometheus", Key: rest + strconv.Itoa(n), Group: "g", Title: rest, Since: s.now})
		}
		if w := keys["word"]; w != "" {
			m.Unmapped = []string{w}
		}
		for n := range m.Started {
			m.Samples = append(m.Samples, Alert{Key: rest + strconv.Itoa(n), Title: rest, Severity: m.Worst, Integration: "prometheus"})
		}
		if s.i.Status == "" {
			return Declare{Title: rest, Source: SourceAlert, Severity: m.Worst, Group: "g"}, []Mail{m}
		}
		return nil, []Mail{m}
	case "wake", "sleep":
		return Wake{}, nil
	case "delivered":
		return Delivered{Page: rest}, nil
	case "undeliverable":
		return Undeliverable{Page: arg(1), Why: arg(2), Retrying: keys["retrying"]+keys["slow"] != "", Slow: keys["slow"] != ""}, nil
	case "ack":
		return Acknowledge{Seen: num("seen")}, nil
	case "unack":
		return Unacknowledge{}, nil
	case "escalate":
		return Escalate{Seen: num("seen"), Reason: rest}, nil
	case "page":
		return Page{Targets: []Target{Target(arg(1))}, Text: arg(2)}, nil
	case "status":
		return SetStatus{To: Status(arg(1))}, nil
	case "set-severity":
		return SetSeverity{Severity: sev(arg(1)), Impact: Level(keys["impact"]), Urgency: Level(keys["urgency"])}, nil
	case "policy-apply":
		return ApplyPolicy{}, nil
	case "update":
		d, _ := time.ParseDuration(keys["next"])
		return PostUpdate{Text: rest, Next: d, Status: Status(keys["status"])}, nil
	case "absorb":
		c := Absorb{From: arg(1), Title: arg(2), Began: keys["began"] != "", Mail: Mail{
			At: s.now, Started: num("new"), Ended: num("ended"), Worst: sev(keys["worst"]),
		}}
		if keys["unanswered"] != "" {
			c.Severity, c.Unanswered = sev(keys["unanswered"]), true
		}
		if via := keys["via"]; via != "" {
			c.Via = strings.Split(via, ",")
		}
		return c, nil
	case "merge-target":
		return UpdateMergeTarget{Ended: keys["ended"] != "", Release: keys["release"] != ""}, nil
	case "give-up":
		return GiveUp{What: arg(1), Why: arg(2)}, nil
	case "room-ready":
		id := "C1"
		if keys["id"] != "" {
			id = keys["id"]
		}
		return RoomReady{Platform: arg(1), ID: id, Name: arg(2), Private: keys["private"] != ""}, nil
	case "room-closed":
		return RoomClosed{Platform: arg(1), ID: arg(2), Seq: num("seq"), Through: num("seq")}, nil
	case "room-step":
		return RoomStepEnded{Platform: arg(1), Step: arg(2), Why: arg(3), Waiting: keys["waiting"] != ""}, nil
	case "card-replaced":
		return RoomCardReplaced{Platform: arg(1)}, nil
	case "retry":
		return RetryRooms{}, nil
	case "room-refused":
		return RoomRefused{Platform: arg(1), Why: arg(2), Waiting: keys["waiting"] != ""}, nil
	}
	return s.recordCommand(list, keys, num("n")), nil
}

func (s *scenario) recordCommand(list []string, keys map[string]string, n int) Command {
	rest := strings.Join(list[1:], " ")
	switch list[0] {
	case "resolve":
		return Resolve{Text: rest}
	case "close":
		return Close{Force: keys["force"] != "", Reason: rest}
	case "reopen":
		return Reopen{Reason: rest}
	case "cancel":
		return Cancel{Reason: rest}
	case "merge":
		return Merge{Into: rest}
	case "assign":
		if list[2] == "nobody" {
			return Assign{Role: list[1]}
		}
		return Assign{Role: list[1], Person: list[2], Name: list[2]}
	case "note":
		return AddNote{Text: rest, Pin: keys["pin"] != "", Key: keys["key"]}
	case "private":
		if rest == "off" {
			return SetVisibility{To: Public}
		}
		return SetVisibility{To: Private}
	case "edit":
		return SetDetails{Title: keys["title"]}
	case "remove-note":
		return RemoveNote{Key: keys["key"]}
	case "task":
		return AddActionItem{Text: rest, FollowUp: keys["followup"] != ""}
	case "done":
		return CompleteActionItem{N: n, Undo: keys["undo"] != ""}
	case "cause":
		return SetCause{Text: rest}
	case "verify":
		return Verify{N: n, State: CheckState(rest)}
	case "link":
		if NumberOf(rest) > 0 {
			return AddLink{Incident: rest}
		}
		return AddLink{URL: rest}
	case "invite":
		return Invite{People: list[1:]}
	case "visibility":
		return SetVisibility{To: Visibility(rest)}
	case "details":
		return SetDetails{
			Title: rest, Description: keys["description"], Category: keys["category"],
			AddServices: []string{keys["service"]}, AddSymptoms: []string{keys["symptom"]},
		}
	}
	s.t.Fatalf("there is no scenario command %q", list[0])
	return nil
}
