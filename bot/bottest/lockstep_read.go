package bottest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// settle settles a task and changes nothing else.
func (tw *twins) settle() {
	if len(tw.leases) > 0 {
		tw.settleLease(tw.leases[tw.rand.IntN(len(tw.leases))])
	}
}

func (tw *twins) settleLease(l [2]bot.Lease) {
	k := tw.known[l[0].Owner]
	c := bot.Commit{At: tw.now, Incident: l[0].Owner, Version: k.version, WakeAt: k.wakeAt, Settle: &l[0]}
	tw.commitBoth(c, l[1])
}

func (tw *twins) claim() {
	q := bot.Claim{At: tw.now, For: time.Duration(1+tw.rand.IntN(20)) * time.Second, Limit: 1 + tw.rand.IntN(5), Classes: everyClass}
	if tw.chance(30) {
		q.Classes = bot.Classes{From: workflow.Class(tw.rand.IntN(50)), To: workflow.Class(tw.rand.IntN(60))}
	}
	tw.claimBoth(q)
}

// claimBoth claims from both stores, and returns how many tasks it got.
func (tw *twins) claimBoth(q bot.Claim) int {
	m, errM := tw.model.Claim(tw.Context(), q)
	s, errS := tw.tested.Claim(tw.Context(), q)
	tw.logf("claim %d of %v: %d", q.Limit, q.Classes, len(m))
	wantSame(tw, "claim", m, s, errM, errS)
	tw.reached["claimed"] += len(m)
	for n := range min(len(m), len(s)) {
		tw.leases = append(tw.leases, [2]bot.Lease{m[n], s[n]})
	}
	tw.leases = tw.leases[max(0, len(tw.leases)-20):]
	return len(m)
}

func (tw *twins) postpone() {
	if len(tw.leases) > 0 {
		tw.postponeLease(tw.leases[tw.rand.IntN(len(tw.leases))])
	}
}

func (tw *twins) renew() {
	if len(tw.leases) == 0 {
		return
	}
	l, until := tw.leases[tw.rand.IntN(len(tw.leases))], tw.randomInstant(20*time.Second)
	errM := tw.model.Renew(tw.Context(), l[0], until)
	errS := tw.tested.Renew(tw.Context(), l[1], until)
	tw.logf("renew %s of %s until %s: %v", l[0].ID, l[0].Owner, until, errM)
	wantSame(tw, "renew", 0, 0, errM, errS)
	if errM == nil {
		tw.reached["renewed"]++
	}
}

func (tw *twins) postponeLease(l [2]bot.Lease) {
	due := tw.randomInstant(20 * time.Second)
	errM := tw.model.Postpone(tw.Context(), l[0], due)
	errS := tw.tested.Postpone(tw.Context(), l[1], due)
	tw.logf("postpone %s of %s to %s: %v", l[0].ID, l[0].Owner, due, errM)
	wantSame(tw, "postpone", 0, 0, errM, errS)
	if errM == nil {
		tw.reached["postponed"]++
		if tw.isOlderCard(l[0]) {
			tw.reached["older card postponed"]++
		}
	}
}

func (tw *twins) read() {
	m, errM := tw.model.NextDue(tw.Context(), everyClass)
	s, errS := tw.tested.NextDue(tw.Context(), everyClass)
	wantSame(tw, "next due", m, s, errM, errS)
	repairM, errM := tw.model.Repair(tw.Context(), bot.RepairQuery{At: tw.now, Limit: 1000})
	repairS, errS := tw.tested.Repair(tw.Context(), bot.RepairQuery{At: tw.now, Limit: 1000})
	wantSame(tw, "overdue", repairM.Overdue, repairS.Overdue, errM, errS)
	wantSame(tw, "repaired", repairM.Repaired, repairS.Repaired, nil, nil)
	if len(tw.ids) == 0 {
		return
	}
	id := tw.id()
	tw.compare(id)
	ended := bot.EndedQuery{Before: tw.randomInstant(time.Minute).Add(-time.Minute), Archived: tw.chance(50), Limit: 1 + tw.rand.IntN(5)}
	endedM, errM := tw.model.ListEnded(tw.Context(), ended)
	endedS, errS := tw.tested.ListEnded(tw.Context(), ended)
	wantSame(tw, "ended", endedM, endedS, errM, errS)
	after, limit := tw.pick("", "grafana\x00b", "zabbix\x00", "grafana\x00d\x00e"), 1+tw.rand.IntN(5)
	firingM, errM := tw.model.Firing(tw.Context(), id, after, limit)
	firingS, errS := tw.tested.Firing(tw.Context(), id, after, limit)
	wantSame(tw, "firing", firingM, firingS, errM, errS)
	q := bot.Query{Open: tw.chance(50), Limit: 1 + tw.rand.IntN(10), Before: tw.rand.IntN(10)}
	listM, errM := tw.model.List(tw.Context(), q)
	listS, errS := tw.tested.List(tw.Context(), q)
	for n := range listM {
		listM[n].Mail = nil // a list may or may not have mail
	}
	wantSame(tw, "list", listM, listS, errM, errS)
	tw.compareOpen()
	before, limit := tw.rand.IntN(12), tw.rand.IntN(6)
	messagesM, errM := tw.model.Messages(tw.Context(), id, before, limit)
	messagesS, errS := tw.tested.Messages(tw.Context(), id, before, limit)
	wantSame(tw, "a page of messages", messagesM, messagesS, errM, errS)
	from := tw.pick("", "x")
	recordsM, errM := tw.model.Records(tw.Context(), "k", from, 5)
	recordsS, errS := tw.tested.Records(tw.Context(), "k", from, 5)
	wantSame(tw, "records", recordsM, recordsS, errM, errS)
	op := fmt.Sprint("op-", tw.rand.IntN(40))
	replyM, errM := tw.model.Reply(tw.Context(), op)
	replyS, errS := tw.tested.Reply(tw.Context(), op)
	wantSame(tw, "reply", replyM, replyS, errM, errS)
}

func (tw *twins) compare(id string) {
	m, errM := tw.model.Load(tw.Context(), id)
	s, errS := tw.tested.Load(tw.Context(), id)
	wantSame(tw, "load "+id, m, s, errM, errS)
	historyM, errM := tw.model.History(tw.Context(), id, 1, 100)
	historyS, errS := tw.tested.History(tw.Context(), id, 1, 100)
	wantSame(tw, "history of "+id, historyM, historyS, errM, errS)
	messagesM, errM := tw.model.Messages(tw.Context(), id, 0, 100)
	messagesS, errS := tw.tested.Messages(tw.Context(), id, 0, 100)
	wantSame(tw, "messages of "+id, messagesM, messagesS, errM, errS)
}

func (tw *twins) compareAll() {
	slices.SortFunc(tw.ids, cmp.Compare)
	for _, id := range tw.ids {
		tw.compare(id)
	}
}
