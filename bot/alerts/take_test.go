package alerts_test

import (
	"testing"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// tx is a store's transaction with one group, which an incident owns or not.
type fakeTx struct {
	owner string
	stubs [][]byte
}

func (f *fakeTx) Row(string, string) (*alerts.Row, error) {
	return nil, nil //nolint:nilnil // Tx.Row returns nil for an alert that is not stored
}
func (f *fakeTx) PutRow(alerts.Row) error          { return nil }
func (f *fakeTx) Mail(string, workflow.Mail) error { return nil }
func (f *fakeTx) Owner(string) (incident string, holds bool, err error) {
	return f.owner, f.owner != "", nil
}

func (f *fakeTx) Open(o alerts.Opening) (string, error) {
	f.owner, f.stubs = "INC-1", append(f.stubs, o.Stub)
	return f.owner, nil
}

// TestStubOnlyWhenAGroupOpens: the declaration of a group's second alert cannot
// be encoded, but the alert is recorded, because it joins the open incident.
func TestStubOnlyWhenAGroupOpens(t *testing.T) {
	arrival := func(key string, detected time.Time) alerts.Arrival {
		return alerts.Arrival{
			Integration: "p", Group: "g", Alert: alerts.Alert{Key: key, State: alerts.Firing},
			Declare: workflow.Declare{Title: "Disk full", Detected: detected},
		}
	}
	unwritable := noon.AddDate(9000, 0, 0)
	b := &fakeTx{}
	receipts, err := alerts.Take(b, alerts.Batch{At: noon, Arrivals: []alerts.Arrival{arrival("a", noon), arrival("b", unwritable)}})
	if err != nil || len(receipts) != 2 || !receipts[0].New || receipts[1].New || receipts[1].Incident != "INC-1" {
		t.Fatalf("receipts %+v, %v", receipts, err)
	}
	if len(b.stubs) != 1 {
		t.Fatalf("%d stubs", len(b.stubs))
	}
	if d, err := alerts.DecodeStub(b.stubs[0]); err != nil || d.Title != "Disk full" || !d.Detected.Equal(noon) {
		t.Errorf("stub %+v, %v", d, err)
	}
	if _, err := alerts.Take(&fakeTx{}, alerts.Batch{At: noon, Arrivals: []alerts.Arrival{arrival("b", unwritable)}}); err == nil {
		t.Error("a stub that cannot be encoded opens an incident")
	}
}

// TestMinimalStub: an arrival without a declaration opens an incident too.
func TestMinimalStub(t *testing.T) {
	for title, want := range map[string]string{"Disk full": "Disk full", "": "Alert from p"} {
		b := &fakeTx{}
		a := alerts.Arrival{Integration: "p", Group: "g", Alert: alerts.Alert{Key: "k", State: alerts.Firing, Title: title}}
		if _, err := alerts.Take(b, alerts.Batch{At: noon, Arrivals: []alerts.Arrival{a}}); err != nil {
			t.Fatal(err)
		}
		d, err := alerts.DecodeStub(b.stubs[0])
		if err != nil || d.Title != want || d.Group != "g" || d.Severity != workflow.SEV3 || d.Source != workflow.SourceAlert {
			t.Errorf("%q: %+v, %v", title, d, err)
		}
	}
}
