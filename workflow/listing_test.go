package workflow

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestE14Need: open incidents are ordered by need: unattended, not acknowledged, severity,
// age (E14: lists are by need).
func TestE14Need(t *testing.T) {
	t0 := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	ana := Acknowledgement{At: t0, Person: "ana"}
	exhausted := Escalation{State: Exhausted}
	ordered := []Incident{
		{Title: "cannot be read"},
		{Status: Triage, Severity: SEV1, Paging: exhausted},
		{Status: Monitoring, Severity: SEV5, DeclaredAt: t0, Paging: Escalation{Unreachable: true}},
		{Status: Triage, Severity: SEV1, DeclaredAt: t0},
		{Status: Triage, Severity: SEV1, DeclaredAt: t0.Add(time.Millisecond)},
		{Status: Triage, Severity: SEV1, DeclaredAt: t0.AddDate(1000, 0, 0)},
		{Status: Investigating, Severity: SEV2, DeclaredAt: t0.AddDate(-100, 0, 0)},
		{Status: Triage, Severity: SEV3, DeclaredAt: t0},
		{Status: Triage, DeclaredAt: t0.Add(time.Hour)}, // as SEV3
		{Status: Triage, Severity: SEV4, DeclaredAt: t0},
		{Status: Identified, Severity: SEV1, DeclaredAt: t0, Acknowledgement: ana, Paging: exhausted},
		{Status: Triage, Severity: SEV5, DeclaredAt: t0.AddDate(90_000, 0, 0), Acknowledgement: ana},
	}
	needs := make([]Need, 0, len(ordered))
	for _, i := range ordered {
		n := i.Listing().Need
		if n != Need(float64(n)) {
			t.Errorf("%+v: a float64 does not hold %d", i, n)
		}
		if i.IsOpen() && (i.IsUnattended() != (n < NeedUnacknowledged) || i.IsAcknowledged() == (n < NeedAcknowledged)) {
			t.Errorf("%+v: %d is on the wrong side of a bound", i, n)
		}
		needs = append(needs, n)
	}
	if !slices.IsSorted(needs) || len(slices.Compact(slices.Clone(needs))) != len(needs) {
		t.Errorf("the needs are %v", needs)
	}
	texts := make([]string, 0, len(needs))
	for _, n := range needs {
		texts = append(texts, n.String())
	}
	if !slices.IsSorted(texts) {
		t.Errorf("as texts they are %v", texts)
	}
}

// TestE14Tags: an open incident is listed for the people that it awaits and involves, and one
// that has ended is not listed at all.
func TestE14Tags(t *testing.T) {
	page := func(to string, s DeliveryState, p Purpose) PageState { return PageState{To: to, State: s, Purpose: p} }
	i := Incident{
		Status: Triage, Severity: SEV2, Visibility: Private, Roles: map[string]string{"commander": "cy", "scribe": ""},
		Paging: Escalation{Pages: []PageState{
			page("ana", DeliveryAccepted, ""), page("ana", DeliveryQueued, ""), page("dan", DeliveryCanceled, ""),
			page("guest:square:U\n1", DeliveryFailed, PurposeJoin), page("eve", DeliveryQueued, PurposeNotice), page("", DeliveryQueued, ""),
		}},
	}
	want := "awaiting:ana awaiting:guest:square:U_1 involving:ana involving:cy involving:guest:square:U_1 private"
	if got := strings.Join(i.Listing().Tags, " "); got != want {
		t.Errorf("tags %s, want %s", got, want)
	}
	i.Acknowledgement.Person = "fay"
	want = "awaiting:guest:square:U_1 involving:cy involving:fay involving:guest:square:U_1 private"
	if got := strings.Join(i.Listing().Tags, " "); got != want {
		t.Errorf("acknowledged: tags %s, want %s", got, want)
	}
	for _, person := range []string{"ana", "cy", "dan", "eve", "fay", "guest:square:U\n1", ""} {
		listed := slices.Contains(i.Listing().Tags, TagInvolving(person))
		if i.IsInvolved(person) != listed {
			t.Errorf("%q is involved: %t, listed: %t", person, !listed, listed)
		}
	}
	if i.Status = Resolved; i.Listing().Need != 0 || len(i.Listing().Tags) > 0 {
		t.Errorf("resolved: %v", i.Listing())
	}
}

// TestListingEncoded: a listing is decoded as it was encoded.
func TestListingEncoded(t *testing.T) {
	for _, l := range []Listing{{}, {Need: NeedAcknowledged}, {Need: 1, Tags: []string{"a"}}, StubListing(SEV1, time.Unix(1, 0), true)} {
		got, err := ParseListing(l.String())
		if err != nil || got.Need != l.Need || !slices.Equal(got.Tags, l.Tags) {
			t.Errorf("%q is %+v, %v", l.String(), got, err)
		}
	}
	for _, text := range []string{"", "x", "1", "000000000000000x", strings.Repeat("9", 17)} {
		if _, err := ParseListing(text); err == nil {
			t.Errorf("%q is a listing", text)
		}
	}
}
