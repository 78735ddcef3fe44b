package bottest

import (
	"context"
	"fmt"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// Run runs random steps, then lets the world come to rest without faults, and judges
// it. It returns the faults that it found; the trace shows what led to them.
func (w *World) Run(ctx context.Context, steps int) []string {
	for range steps {
		w.step(ctx)
		if len(w.wrong) > 0 {
			return w.wrong
		}
	}
	w.settle(ctx)
	w.checkWorld(ctx)
	return w.wrong
}

// Trace returns what happened, a line each.
func (w *World) Trace() string { return w.trace.String() }

// runOn calls do with a replica, and restarts the replica when it crashes.
func (w *World) runOn(n int, do func(*replica)) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if _, ok := p.(crash); !ok {
			panic(p)
		}
		w.crashes++
		w.logf("replica %d restarts", n)
		w.replicas[n] = w.newReplica()
		if len(w.replicas) == 1 && w.rng.IntN(2) == 0 {
			w.store.base.ForgetLeases()
		}
	}()
	do(w.replicas[n])
}

// step does one random thing.
func (w *World) step(ctx context.Context) {
	n := w.rng.IntN(len(w.replicas))
	switch w.rng.IntN(11) {
	case 0, 1:
		w.alerts(ctx, n)
	case 2, 3:
		w.command(ctx, n)
	case 4, 5:
		w.moveClock()
	case 6:
		w.sendMessage(ctx, n)
	default:
		w.tick(ctx, n)
	}
}

func (w *World) tick(ctx context.Context, n int) {
	w.unchecked = false
	w.runOn(n, func(r *replica) {
		if _, err := r.runner.Tick(ctx); err != nil {
			w.logf("tick: %v", err)
		}
	})
}

// moveClock moves the clock: a little, to the next deadline, far, or a little back.
func (w *World) moveClock() {
	switch w.rng.IntN(12) {
	case 0:
		w.now = w.now.Add(time.Duration(w.rng.IntN(180)) * time.Minute)
	case 1:
		w.now = w.now.Add(-time.Duration(w.rng.IntN(3000)) * time.Millisecond)
	case 2, 3, 4, 5:
		if next, err := w.store.base.NextDue(context.Background(), everyClass); err == nil && next.After(w.now) {
			w.now = next
		}
	default:
		w.now = w.now.Add(time.Duration(w.rng.IntN(20000)) * time.Millisecond)
	}
}

// alerts sends a few alerts, and repeats them until they are accepted, as a sender does.
func (w *World) alerts(ctx context.Context, n int) {
	var all []alerts.Alert
	for range 1 + w.rng.IntN(3) {
		k := w.rng.IntN(6)
		a := alerts.Alert{
			Key: fmt.Sprintf("k%d", k), Title: fmt.Sprintf("Alert %d", k), State: alerts.Firing, StartedAt: w.now,
			Severity: []string{"critical", "error", "warning", "odd", ""}[w.rng.IntN(5)],
			Labels:   map[string]string{"alertname": fmt.Sprintf("A%d", k%3), "service": []string{"checkout", "search", ""}[k%3]},
		}
		if before, ok := w.said[a.Key]; ok && w.rng.IntN(3) == 0 {
			a.StartedAt = before.StartedAt // some senders keep the start of an alert that they have resolved
		}
		if w.rng.IntN(5) < 2 {
			a.State, a.EndedAt = alerts.Resolved, w.now
		}
		all = append(all, a)
	}
	for try := range 5 {
		accepted := false
		w.runOn(n, func(r *replica) {
			_, err := r.bot.Intake.Receive(ctx, "prometheus", all)
			accepted = err == nil
		})
		if accepted {
			for _, a := range all {
				w.said[a.Key] = a
			}
			return
		}
		w.logf("alerts not accepted, try %d", try)
		n = w.rng.IntN(len(w.replicas))
	}
	for _, a := range all { // the sender does not know whether they were taken
		delete(w.said, a.Key)
	}
}

// command gives one random command, and repeats it under the same operation until it is
// answered, as a platform does.
func (w *World) command(ctx context.Context, n int) {
	id := workflow.ID(1 + w.rng.IntN(4))
	other := workflow.ID(1 + w.rng.IntN(4))
	w.operations++
	note := fmt.Sprintf("note %d", w.operations)
	lines := []string{
		"ack " + id, "ack " + id, "ack " + id, "ack " + id, "unack " + id, "resolve " + id + " fixed", "status " + id + " identified",
		"status " + id + " monitoring", "status " + id + " investigating", "merge " + id + " " + other, "severity " + id + " 1", "severity " + id + " 4", "escalate " + id, "page " + id + " @ana please",
		"note " + id + " " + note, "note " + id + " " + note, "update " + id + " looking --next 10m", "merge " + id + " " + other,
		"reopen " + id, "cancel " + id + " nothing", "close " + id + " --force --reason done", "cause " + id + " because", "lead " + id,
		"declare Something is wrong --sev 2 --service checkout", "task " + id + " do it", "private " + id, "private " + id + " off", "invite " + id + " @ben",
	}
	line := lines[w.rng.IntN(len(lines))]
	who := []string{"ana", "ben", "ana"}[w.rng.IntN(3)]
	for range 6 {
		answered := false
		w.runOn(n, func(r *replica) {
			speaker, _ := access.Person(r.bot.Organization(), who)
			reply, err := r.bot.Dispatcher.Run(ctx, dispatch.Request{Text: line, Speaker: speaker, Operation: fmt.Sprintf("op %d", w.operations)})
			if err != nil {
				w.logf("%s: %v", line, err)
				return
			}
			answered = true
			w.logf("%s: %s: %v %q", who, line, reply.OK, reply.Text)
			if reply.OK && len(line) > 4 && line[:4] == "note" {
				w.notes[note] = true
			}
		})
		if answered {
			return
		}
		n = w.rng.IntN(len(w.replicas))
	}
}

// settle ends the faults and carries out everything that is due.
func (w *World) settle(ctx context.Context) {
	w.faults = false
	w.logf("coming to rest")
	for range 300 {
		w.now = w.now.Add(15 * time.Second)
		for n := range w.replicas {
			w.tick(ctx, n)
		}
		if len(w.wrong) > 0 {
			return
		}
	}
}

// loadIncident loads an incident without any fault.
func (w *World) loadIncident(id string) workflow.Incident {
	l, err := w.store.base.Load(context.Background(), id)
	if err != nil || l.Snapshot == nil {
		return workflow.Incident{ID: id}
	}
	i, err := workflow.DecodeIncident(l.Snapshot)
	if err != nil {
		w.fail("the snapshot of %s cannot be read: %v", id, err)
	}
	return i
}
