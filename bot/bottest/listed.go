package bottest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// CheckListed compares the lists of open incidents with what each open incident's own state
// says (E14: lists are by need), and returns the first difference.
func CheckListed(ctx context.Context, s bot.Store) error {
	want := map[string][]bot.Place{"": nil, workflow.TagPrivate: nil}
	for l, err := range bot.ListAll(ctx, s, bot.Query{Open: true}) {
		if err != nil {
			return err
		}
		listing, err := listingOf(ctx, s, l.ID)
		if err != nil {
			return err
		}
		for _, tag := range append([]string{""}, listing.Tags...) {
			want[tag] = append(want[tag], bot.Place{Need: listing.Need, Number: l.Number})
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(want)) {
		var got []bot.Place
		for l, err := range bot.ListAllOpen(ctx, s, bot.OpenQuery{Tag: tag, Limit: 100}) {
			if err != nil {
				return err
			}
			got = append(got, bot.Place{Need: l.Need, Number: l.Number})
		}
		slices.SortFunc(want[tag], func(a, b bot.Place) int {
			return cmp.Or(cmp.Compare(a.Need, b.Need), cmp.Compare(a.Number, b.Number))
		})
		if !slices.Equal(got, want[tag]) {
			return fmt.Errorf("with the tag %q %v are listed, want %v", tag, got, want[tag])
		}
		counts, err := s.CountOpen(ctx, tag)
		if err != nil || counts.Open != len(got) {
			return fmt.Errorf("with the tag %q %d are counted, want %d: %w", tag, counts.Open, len(got), err)
		}
	}
	return nil
}

// listingOf returns the listing of an open incident as its state says.
func listingOf(ctx context.Context, s bot.Store, id string) (workflow.Listing, error) {
	l, err := s.Load(ctx, id)
	if err != nil {
		return workflow.Listing{}, err
	}
	d := bot.ArchivedIncident{Version: l.Version, Open: true, Previous: l.Previous, Body: append(l.Snapshot, l.Stub...)}
	for _, m := range l.Mail {
		raw, err := json.Marshal(m)
		if err != nil {
			return workflow.Listing{}, err
		}
		d.Mail = append(d.Mail, bot.StoredMail{Seq: m.Seq, Body: raw})
	}
	return bot.ListingOf(d), nil
}

// OpenIncidents commits so many open incidents of all needs, from a number on, see
// [OpenIncident].
func OpenIncidents(t testing.TB, s bot.Store, from, many int) {
	t.Helper()
	for n := range many {
		if _, err := s.Commit(t.Context(), OpenIncident(t, from+n)); err != nil {
			t.Fatal(err)
		}
	}
}

// OpenIncident returns the first commit of an open incident whose need, people and
// visibility depend on its number.
func OpenIncident(t testing.TB, n int) bot.Commit {
	t.Helper()
	i := newOpenIncident(n)
	i.Severity, i.DeclaredAt = workflow.Severity(1+n%5), Epoch.Add(time.Duration(n*7919%10_000)*time.Second)
	if n%5 == 0 {
		i.Visibility = workflow.Private
	}
	switch n % 3 {
	case 0:
		i.Acknowledgement = workflow.Acknowledgement{Person: fmt.Sprint("person", n%7), Name: "A person", At: Epoch}
	case 1:
		i.Paging.Unreachable = n%4 == 0
	}
	if n%2 == 0 {
		i.Paging.Pages = []workflow.PageState{{To: fmt.Sprint("person", n%11), State: workflow.DeliveryAccepted}}
	}
	return firstCommit(t, i)
}

// Flood commits so many open incidents, from a number on, as change makes them; it may be
// nil. They are public, SEV4, not acknowledged and older than those that the test declares.
func Flood(t testing.TB, s bot.Store, from, many int, change func(i *workflow.Incident)) {
	t.Helper()
	for n := from; n < from+many; n++ {
		i := newOpenIncident(n)
		if change != nil {
			change(&i)
		}
		if _, err := s.Commit(t.Context(), firstCommit(t, i)); err != nil {
			t.Fatal(err)
		}
	}
}

func newOpenIncident(n int) workflow.Incident {
	return workflow.Incident{
		ID: workflow.ID(n), Number: n, Seq: 1, Title: fmt.Sprintf("The disk of host %d is nearly full", n), Status: workflow.Triage, Kind: workflow.Real,
		Severity: workflow.SEV4, Visibility: workflow.Public, DeclaredAt: Epoch.Add(time.Duration(n-100_000) * time.Second),
	}
}

// firstCommit returns the commit that creates an open incident.
func firstCommit(t testing.TB, i workflow.Incident) bot.Commit {
	t.Helper()
	body, err := workflow.EncodeIncident(i)
	if err != nil {
		t.Fatal(err)
	}
	return bot.Commit{
		At: Epoch, Incident: i.ID, Snapshot: body, Open: true, Listing: i.Listing(), Events: []bot.StoredEvent{{Seq: 1, Body: []byte("event")}},
	}
}
