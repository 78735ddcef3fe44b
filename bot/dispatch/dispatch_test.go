package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestP2Private: to others than its members a private incident does not exist, and its
// pages say only its ID.
func TestP2Private(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Expect(w.Say("ben", "declare Data leak --sev 1 --service checkout --private"), true, "INC-1")
	outsider := access.Speaker{Person: "eve", Name: "Eve", Access: 4}
	for _, line := range []string{"show INC-1", "ack INC-1", "timeline INC-1", "who INC-1", "timers INC-1", "note INC-1 hi", "resolve INC-1"} {
		reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: outsider})
		if err != nil || reply.OK || reply.Text != "INC-1 does not exist. `list` shows the open incidents." {
			t.Errorf("%s: %+v %v", line, reply, err)
		}
	}
	reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: "list --all", Speaker: outsider})
	if err != nil || strings.Contains(reply.Text, "INC-1") {
		t.Errorf("list: %q", reply.Text)
	}
	if reply := w.Say("eve", "declare Other --service checkout"); strings.Contains(reply.Text, "INC-1") {
		t.Errorf("the hint of a declaration: %q", reply.Text)
	}
	w.Expect(w.Say("ben", "show INC-1"), true, "Data leak")
	w.Advance(0)
	w.Advance(3 * time.Minute)
	if len(w.Paged) == 0 {
		t.Fatal("no one is paged")
	}
	for _, p := range w.Paged {
		for n, i := range p.Incidents {
			if i.ID == "INC-1" && (i.Title != "" || i.Severity != "" || !i.Private) {
				t.Errorf("page %s shows %+v", p.Keys[n], i)
			}
		}
		if strings.Contains(p.Content.Title+p.Content.Text, "leak") {
			t.Errorf("page says %q %q", p.Content.Title, p.Content.Text)
		}
	}
}

// TestP1AccessBeforeSyntax: a speaker who may not use a command is denied, whatever else is
// wrong with the line; one who may reads what is wrong (P1: access is checked first).
func TestP1AccessBeforeSyntax(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	w.Advance(0)
	guest := access.Speaker{Handle: "slack:U0ZOE", Name: "Zoe"}
	for _, spec := range w.Catalog() {
		if spec.Access == commands.Guest {
			continue
		}
		for _, line := range []string{"%", "% --nonsense", "% INC-1 --nonsense x", "/incident % INC-1 --seen", "% INC-1 \x00", "% tomorrow maybe", "% --sev nine INC-1", "%  INC-1: --text"} {
			line = strings.ReplaceAll(line, "%", spec.Name)
			for _, room := range []string{"", "INC-1"} {
				if reply := w.Run(guest, room, line); reply.OK || !strings.Contains(reply.Text, "needs the access") {
					t.Errorf("a guest who types %q in the room %q reads %q", line, room, reply.Text)
				}
			}
		}
	}
	if reply := w.Write(guest, "INC-1", " ", ""); reply.OK || !strings.Contains(reply.Text, "needs the access") {
		t.Errorf("a guest who writes nothing reads %q", reply.Text)
	}
	// Who may use it although their access is too low reads what is wrong.
	paged := w.Person("ben")
	paged.Access = commands.Guest
	for line, want := range map[string]string{
		"ack INC-1 --nonsense": "has no option --nonsense", "ack --seen x INC-1": "", "timeline INC-1 now": "does not take", "ack INC-2 --nonsense": "INC-2 does not exist",
	} {
		if reply := w.Run(paged, "", line); reply.OK || !strings.Contains(reply.Text, want) || strings.Contains(reply.Text, "needs the access") {
			t.Errorf("a guest who was paged and types %q reads %q, want %q", line, reply.Text, want)
		}
	}
	w.Expect(w.Run(guest, "", "ak INC-1"), false, "Did you mean `ack`?")
}

// TestE14List: `list` begins with what needs a person most, and says how many there are in
// all, without the private ones of others (E14: lists are by need).
func TestE14List(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare The worst --sev 1")
	bottest.Flood(t, w.Store, 2, 600, func(i *workflow.Incident) {
		if i.Number > 500 {
			i.Visibility = workflow.Private
		}
	})
	lines := strings.Split(strings.TrimSpace(w.Say("ana", "list").Text), "\n")
	if len(lines) != 51 || !strings.Contains(lines[0], "INC-1 ") || !strings.Contains(lines[1], "INC-2 ") {
		t.Errorf("%d lines, the first is %s", len(lines), lines[0])
	}
	if want := "These are 50; 500 are open, 500 of them not acknowledged, 0 unattended. There are more: `list --limit 500` shows them."; lines[len(lines)-1] != want {
		t.Errorf("it ends with %s", lines[len(lines)-1])
	}
	if all := strings.TrimSpace(w.Say("ana", "list --limit 500").Text); len(strings.Split(all, "\n")) != 500 || strings.Contains(all, "There are more") {
		t.Error("not all are listed, or more than all")
	}
	if got := w.Say("ana", "list --sev 1 --limit 1").Text; !strings.Contains(got, "INC-1 ") || strings.Contains(got, "There are more") {
		t.Errorf("listed %s", got)
	}
	// Who declares for a service hears of its open incident that needs a person most.
	bottest.Flood(t, w.Store, 602, 1, func(i *workflow.Incident) { i.Services, i.Severity = []string{"checkout"}, workflow.SEV1 })
	bottest.Flood(t, w.Store, 603, 1, func(i *workflow.Incident) { i.Services = []string{"checkout"} })
	w.Expect(w.Say("ana", "declare Checkout is slow --service checkout"), true, "INC-602")
}

// TestOperations: the repeat of an operation gets the first reply and changes nothing.
func TestOperations(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	ana, _ := access.Person(w.Organization(), "ana")
	run := func(line, op string) dispatch.Reply {
		reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: ana, Operation: op})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	first := run("declare Checkout is down --sev 2", "d1")
	if again := run("declare Checkout is down --sev 2", "d1"); again != first {
		t.Errorf("declared again: %+v", again)
	}
	acked := run("ack INC-1", "a1")
	if again := run("ack INC-1", "a1"); again != acked || !again.OK {
		t.Errorf("acknowledged again: %+v", again)
	}
	w.Expect(w.Say("ana", "list"), true, "INC-1")
	if strings.Contains(w.Say("ana", "list").Text, "INC-2") {
		t.Error("a repeat opened a second incident")
	}
}
