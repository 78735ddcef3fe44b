package alerts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// oneIncident is a store's transaction whose only incident owns every group.
type oneIncident struct {
	rows map[string]alerts.Row
	mail []workflow.Mail
}

func (o *oneIncident) Row(_, key string) (*alerts.Row, error) {
	r, ok := o.rows[key]
	if !ok {
		return nil, nil //nolint:nilnil // Tx.Row returns nil for an alert that is not stored
	}
	return &r, nil
}

func (o *oneIncident) PutRow(r alerts.Row) error {
	o.rows[r.Key] = r
	return nil
}

func (o *oneIncident) Owner(string) (incident string, holds bool, err error) {
	return "INC-1", true, nil
}
func (o *oneIncident) Open(alerts.Opening) (string, error) { return "INC-1", nil }

func (o *oneIncident) Mail(_ string, m workflow.Mail) error {
	o.mail = append(o.mail, m)
	return nil
}

// TestI5Order plays what a sender says about one alert, and checks what each word
// changes (I5: an older event changes nothing; I5c: an old start is judged again after a
// minute; I5d: clocks of two machines are not compared closely; I6b: a worse repeat
// raises the incident; I6c: a repeat shows its labels as they are now).
//
// A line is the second at which it is received, the state, and what it says: start and
// end by the sender's clock, severity, title. "judge" judges the notice again that has
// been held since a second.
func TestI5Order(t *testing.T) {
	for name, play := range map[string]string{
		"fires, resolves, fires with a newer start": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			20 firing start=19 → again
			30 resolved start=19 end=29 → ended`,
		"fires again with the same start, and it is the truth": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			15 firing start=0 → held
			20 firing start=0 → repeated
			75 judge since=15 → again
			80 resolved start=0 end=79 → ended`,
		"a firing notice that was late": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			12 firing start=0 → held
			30 resolved start=0 end=9 → ignored
			72 judge since=12 → ignored`,
		"superseded by a newer start": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			12 firing start=0 → held
			20 firing start=18 → again
			72 judge since=12 → ignored
			80 resolved start=18 end=79 → ended`,
		"held twice": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			12 firing start=0 → held
			20 resolved start=0 end=19 → ignored
			25 firing start=0 → held
			72 judge since=12 → ignored
			85 judge since=25 → again`,
		"held, and worse when it comes again": `
			0 firing start=0 severity=4 → started
			10 resolved start=0 end=9 → ended
			15 firing start=0 severity=4 → held
			20 firing start=0 severity=1 → repeated
			25 firing start=0 severity=3 → repeated
			75 judge since=15 → again
			76 firing start=0 severity=1 → repeated`,
		"the same start long after": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			80 firing start=0 → again`,
		"judged twice": `
			0 firing start=0 → started
			10 resolved start=0 end=9 → ended
			12 firing start=0 → held
			72 judge since=12 → again
			73 judge since=12 → ignored`,
		"the sender's clock is 90 seconds slow, and it names no start": `
			0 firing → started
			10 resolved end=-80 → ended
			20 firing → again
			30 resolved end=-60 → ended`,
		"the sender's clock is 90 seconds fast, and it names no start": `
			0 firing → started
			10 resolved end=100 → ended
			20 firing → again
			30 resolved end=120 → ended`,
		"the start is by a fast clock, and the end by another": `
			0 firing start=90 → started
			10 resolved end=10 → ended`,
		"an end long before the start": `
			0 firing start=0 → started
			10 resolved end=-300 → stale`,
		"an older resolve comes late, and names the start": `
			0 firing start=0 → started
			40 firing start=38 → repeated
			41 resolved start=0 end=20 → stale
			60 resolved start=38 end=59 → ended`,
		"a resolve is delivered again after the alert has fired again": `
			0 firing start=0 → started
			20 resolved start=0 end=20 → ended
			40 firing start=40 → again
			45 resolved start=0 end=20 → stale
			46 resolved end=20 → stale
			60 resolved start=40 end=60 → ended`,
		"a resolve is delivered again two episodes later": `
			0 firing start=0 → started
			10 resolved start=0 end=10 → ended
			20 firing start=20 → again
			30 resolved start=20 end=30 → ended
			40 firing start=40 → again
			45 resolved start=0 end=10 → stale
			60 resolved start=40 end=60 → ended`,
		"an end before the start of the same episode": `
			0 firing start=90 → started
			10 resolved start=90 end=10 → ended`,
		"a resolve names an earlier start of the same episode": `
			0 firing start=20 → started
			10 resolved start=5 end=30 → ended`,
		"a sender that writes minutes": `
			0 firing start=0 → started
			20 resolved start=0 end=0 → ended
			40 firing start=0 → again
			50 resolved start=0 end=0 → ended`,
		"a sender without any times": `
			0 firing → started
			1 firing → repeated
			10 resolved → ended
			11 firing → again
			12 resolved → ended`,
		"a repeat is worse": `
			0 firing start=0 severity=4 → started
			10 firing start=0 severity=1 → raised
			20 firing start=0 severity=1 → repeated
			30 firing start=0 severity=3 → changed
			40 firing start=-5 severity=2 → raised`,
		"a repeat reads differently": `
			0 firing start=0 title=a → started
			10 firing start=0 title=b → changed
			20 firing start=-5 title=a → repeated`,
	} {
		t.Run(name, func(t *testing.T) {
			tx := &oneIncident{rows: map[string]alerts.Row{}}
			for line := range strings.Lines(strings.TrimSpace(play)) {
				said, want, _ := strings.Cut(strings.TrimSpace(line), " → ")
				if got := sendWord(t, tx, said); string(got) != want {
					t.Errorf("%s: %s, want %s", said, got, want)
				}
			}
		})
	}
}

// sendWord takes one line of TestI5Order.
func sendWord(t *testing.T, tx alerts.Tx, said string) alerts.Change {
	t.Helper()
	at := func(text string) time.Time {
		var seconds int
		if _, err := fmt.Sscan(text, &seconds); err != nil {
			t.Fatal(said, err)
		}
		return noon.Add(time.Duration(seconds) * time.Second)
	}
	words := strings.Fields(said)
	a := alerts.Arrival{Integration: "p", Group: "g", Severity: workflow.SEV3, Alert: alerts.Alert{Key: "k", Title: "Disk full", State: alerts.State(words[1])}}
	for _, w := range words[2:] {
		switch key, value, _ := strings.Cut(w, "="); key {
		case "start":
			a.Alert.StartedAt = at(value)
		case "end":
			a.Alert.EndedAt = at(value)
		case "severity":
			a.Severity = workflow.Severity(value[0] - '0')
		case "title":
			a.Alert.Title = value
		case "since":
			a = alerts.Arrival{Integration: "p", Group: "g", Alert: alerts.Alert{Key: "k"}, Held: at(value)}
		}
	}
	receipts, err := alerts.Take(tx, alerts.Batch{At: at(words[0]), Arrivals: []alerts.Arrival{a}})
	if err != nil {
		t.Fatal(said, err)
	}
	return receipts[0].Change
}

// TestI5HeldFlood: of one batch a hundred notices are held; the others fire at once
// (I5c: an old start is judged again after a minute).
func TestI5HeldFlood(t *testing.T) {
	tx := &oneIncident{rows: map[string]alerts.Row{}}
	batch := func(second int, state alerts.State) (b alerts.Batch) {
		b.At = noon.Add(time.Duration(second) * time.Second)
		for n := range 150 {
			b.Arrivals = append(b.Arrivals, alerts.Arrival{Integration: "p", Group: "g", Alert: alerts.Alert{
				Key: fmt.Sprint(n), State: state, StartedAt: noon,
			}})
		}
		return b
	}
	counts := map[alerts.Change]int{}
	for _, b := range []alerts.Batch{batch(0, alerts.Firing), batch(10, alerts.Resolved), batch(15, alerts.Firing)} {
		receipts, err := alerts.Take(tx, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range receipts {
			counts[r.Change]++
		}
	}
	if counts[alerts.Held] != 100 || counts[alerts.Again] != 50 {
		t.Errorf("changes %v", counts)
	}
	if last := tx.mail[len(tx.mail)-1]; len(last.Held) != 100 || last.Refired != 50 || last.WasHeld != 0 {
		t.Errorf("the last mail holds %d, %d fire again", len(last.Held), last.Refired)
	}
}

// TestI6RepeatShown: a repeat within the interval in which nothing is written is written
// when it reads differently (I6c: a repeat shows its labels as they are now).
func TestI6RepeatShown(t *testing.T) {
	tx := &oneIncident{rows: map[string]alerts.Row{}}
	send := func(second int, annotation string) {
		a := alerts.Arrival{Integration: "p", Group: "g", Alert: alerts.Alert{
			Key: "k", State: alerts.Firing, StartedAt: noon, Annotations: map[string]string{"summary": annotation},
		}}
		if _, err := alerts.Take(tx, alerts.Batch{At: noon.Add(time.Duration(second) * time.Second), Arrivals: []alerts.Arrival{a}}); err != nil {
			t.Fatal(err)
		}
	}
	send(0, "80 % full")
	send(5, "99 % full")
	if got := tx.rows["k"].Alert.Annotations["summary"]; got != "99 % full" {
		t.Errorf("the row says %q", got)
	}
	if len(tx.mail) != 1 {
		t.Errorf("%d pieces of mail", len(tx.mail))
	}
}
