package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// childEnv is the environment variable with the path of the store that a second run of
// the test binary writes into until it is killed.
const childEnv = "TOCSIN_SQLITE_CHILD"

// child commits steps and takes alerts until it is killed, and prints a line for each
// change that was answered: "step INC-7 3" for a version, "take 4711" for three alerts of
// one delivery.
func child(path string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		panic(err)
	}
	report := func(err error, format string, args ...any) {
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(os.Stdout, format+"\n", args...) // one write per line
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				n, err := s.Reserve(ctx)
				report(err, "reserve %d", n)
				for version := range 5 {
					_, err := s.Commit(ctx, crashStep(n, version))
					report(err, "step INC-%d %d", n, version+1)
				}
			}
		})
		wg.Go(func() {
			for n := range 1 << 30 {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), rand.Int64(), n)
				b := alerts.Batch{At: bottest.Epoch}
				for _, part := range []string{"a", "b", "c"} {
					b.Arrivals = append(b.Arrivals, alertOf(id+part, fmt.Sprint("group", n%50)))
				}
				_, err := s.Take(ctx, b)
				report(err, "take %s", id)
			}
		})
	}
	wg.Wait()
}

// crashStep is a commit of a state, an event, a message and a task that all contain
// their version.
func crashStep(n, version int) bot.Commit {
	c := wakeCommit(fmt.Sprint("INC-", n), version, bottest.Epoch.Add(time.Hour))
	c.Tasks = []bot.Task{{
		ID: fmt.Sprint("task-", version+1), Owner: c.Incident, Due: bottest.Epoch,
		Lane: workflow.Lane{Class: workflow.ClassPage, Destination: fmt.Sprint("page:", version+1)},
	}}
	c.Messages = []bot.StoredMessage{{Key: fmt.Sprint("message-", version+1)}}
	c.Operation = fmt.Sprintf("op %s %d", c.Incident, version+1)
	return c
}

// TestX1Crash kills a writing process again and again: everything that was answered is
// stored, and nothing is stored partly (I1: a 2xx means durable).
func TestX1Crash(t *testing.T) {
	rounds := 10
	if raceEnabled || testing.Short() {
		rounds = 3
	}
	path := file(t)
	log := &writerLog{steps: map[string]int{}}
	for range rounds {
		log.round(t, path)
		log.check(t, path)
	}
	t.Logf("%d steps of incidents, %d deliveries", len(log.steps), len(log.takes))
}

// writerLog is what the killed processes have reported as done.
type writerLog struct {
	steps     map[string]int
	takes     []string
	maxNumber int
}

// round runs a child for a random number of lines, and kills it.
func (log *writerLog) round(t *testing.T, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until := 1 + rand.IntN(1500)
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var id string
		version := 0
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "take "):
			log.takes = append(log.takes, strings.TrimPrefix(line, "take "))
		case strings.HasPrefix(line, "reserve "):
			if _, err := fmt.Sscanf(line, "reserve %d", &version); err != nil {
				t.Fatalf("the child printed %q", line)
			}
			log.maxNumber = max(log.maxNumber, version)
		default:
			if _, err := fmt.Sscanf(line, "step %s %d", &id, &version); err != nil {
				t.Fatalf("the child printed %q", line)
			}
			log.steps[id] = version
		}
		if n == until {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || problems.Len() > 0 {
		t.Fatalf("the child was not killed: %v %s", err, problems.String())
	}
}

// check compares the store with the log.
func (log *writerLog) check(t *testing.T, path string) {
	t.Helper()
	ctx := t.Context()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, err := s.Reserve(ctx)
	if err != nil || n <= log.maxNumber {
		t.Errorf("number %d is given out again after %d: %v", n, log.maxNumber, err)
	}
	m, err := s.Repair(ctx, bot.RepairQuery{At: bottest.Epoch, Limit: 1 << 20})
	if err != nil || len(m.Repaired) > 0 {
		t.Errorf("the agenda is damaged: %v %v", m.Repaired, err)
	}
	tasks := map[string]int{}
	leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Second, Limit: 1 << 20, Classes: bot.Classes{To: workflow.ClassPage}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		tasks[l.Owner]++
	}
	firing := map[string]bool{}
	all, err := s.List(ctx, bot.Query{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Stub != nil {
			log.stub(t, s, l, firing)
			continue
		}
		history, err := s.History(ctx, l.ID, 0, 100)
		if err != nil || len(history) != l.Version || string(l.Snapshot) != fmt.Sprint("state ", l.Version) || tasks[l.ID] != l.Version {
			t.Errorf("%s is stored partly: version %d, %s, %d events, %d tasks, %v", l.ID, l.Version, l.Snapshot, len(history), tasks[l.ID], err)
		}
		messages, err := s.Messages(ctx, l.ID, 0, 100)
		if err != nil || len(messages) != l.Version || messages[l.Version-1].Seq != l.Version {
			t.Errorf("%s is stored partly: version %d, messages %+v, %v", l.ID, l.Version, messages, err)
		}
		if _, err := s.Reply(ctx, fmt.Sprintf("op %s %d", l.ID, l.Version)); err != nil {
			t.Errorf("%s: %v", l.ID, err)
		}
		if l.Version < log.steps[l.ID] {
			t.Errorf("%s: version %d was answered, version %d is stored", l.ID, log.steps[l.ID], l.Version)
		}
		delete(log.steps, l.ID)
	}
	if len(log.steps) > 0 {
		t.Errorf("answered and lost: %v", log.steps)
	}
	for _, id := range log.takes {
		if !firing[id+"a"] {
			t.Errorf("delivery %s was answered and is lost", id)
		}
	}
	for key := range firing {
		if id := key[:len(key)-1]; !firing[id+"a"] || !firing[id+"b"] || !firing[id+"c"] {
			t.Errorf("delivery %s is stored partly", id)
		}
	}
}

// stub compares the alerts of a stub with its mail.
func (log *writerLog) stub(t *testing.T, s *sqlite.Store, l bot.Loaded, firing map[string]bool) {
	t.Helper()
	rows, err := s.Firing(t.Context(), l.ID, "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		firing[r.Key] = true
	}
	full, err := s.Load(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	mailed := 0
	for _, m := range full.Mail {
		mailed += m.Started
	}
	if mailed != len(rows) {
		t.Errorf("%s: mail of %d alerts, %d fire", l.ID, mailed, len(rows))
	}
}
