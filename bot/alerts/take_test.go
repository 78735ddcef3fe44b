package alerts_test

import (
	"testing"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// book is a store's transaction with one group, that an incident owns or not.
type book struct {
	owner string
	stubs [][]byte
}

func (b *book) Row(string, string) (*alerts.Row, error) {
	return nil, nil //nolint:nilnil // a row that is not there is no error, and this is how Book says so
}
func (b *book) PutRow(alerts.Row) error          { return nil }
func (b *book) Mail(string, workflow.Mail) error { return nil }
func (b *book) Owner(string) (incident string, holds bool, err error) {
	return b.owner, b.owner != "", nil
}

func (b *book) Open(_, _ string, stub []byte) (string, error) {
	b.owner, b.stubs = "INC-1", append(b.stubs, stub)
	return b.owner, nil
}

// TestStubOnlyWhenAGroupOpens: the second alert of a group declares something
// that cannot be encoded, and is taken: nobody tries.
func TestStubOnlyWhenAGroupOpens(t *testing.T) {
	arrival := func(key string, detected time.Time) alerts.Arrival {
		return alerts.Arrival{
			Integration: "p", Group: "g", Alert: alerts.Alert{Key: key, State: alerts.Firing},
			Declare: workflow.Declare{Title: "Disk full", Detected: detected},
		}
	}
	unwritable := noon.AddDate(9000, 0, 0)
	b := &book{}
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
	if _, err := alerts.Take(&book{}, alerts.Batch{At: noon, Arrivals: []alerts.Arrival{arrival("b", unwritable)}}); err == nil {
		t.Error("a stub that cannot be encoded opens an incident")
	}
}

// TestPlainStub: an arrival that declares nothing opens an incident all the
// same.
func TestPlainStub(t *testing.T) {
	for title, want := range map[string]string{"Disk full": "Disk full", "": "Alert from p"} {
		b := &book{}
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
