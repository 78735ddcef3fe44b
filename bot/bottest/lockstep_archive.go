package bottest

import (
	"fmt"
	"slices"
	"time"

	"tocsin/bot"
)

// archiveOrForget archives or forgets an incident, mostly one that has ended.
func (tw *twins) archiveOrForget() {
	if len(tw.ids) == 0 {
		return
	}
	id := tw.id()
	if ended, err := tw.model.ListEnded(tw.Context(), bot.EndedQuery{Before: tw.now.Add(time.Second), Limit: 100}); err == nil && len(ended) > 0 && tw.chance(80) {
		id = tw.pick(ended...)
	}
	if tw.chance(80) {
		m, errM := tw.model.Archive(tw.Context(), id)
		s, errS := tw.tested.Archive(tw.Context(), id)
		tw.logf("archive %s: %v", id, m)
		wantSame(tw, "archive "+id, m, s, errM, errS)
		tw.reached[map[bool]string{true: "archived", false: "not archived"}[m]]++
		tw.compare(id)
		return
	}
	_, missing := tw.model.Load(tw.Context(), id)
	records := tw.compareRecords()
	m, errM := tw.model.Forget(tw.Context(), id)
	s, errS := tw.tested.Forget(tw.Context(), id)
	tw.logf("forget %s: %v", id, m)
	wantSame(tw, "forget "+id, m, s, errM, errS)
	if tw.compareRecords() < records {
		tw.reached["forgotten with its records"]++
	}
	switch {
	case !m:
		tw.reached["not forgotten"]++
	case missing == nil:
		tw.reached["forgotten"]++
		tw.compare(id)
		tw.ids = slices.DeleteFunc(tw.ids, func(other string) bool { return other == id })
		tw.leases = slices.DeleteFunc(tw.leases, func(l [2]bot.Lease) bool { return l[0].Owner == id })
	}
}

// archivedIDs returns the IDs of the archived incidents.
func (tw *twins) archivedIDs() []string {
	all, err := tw.model.ListEnded(tw.Context(), bot.EndedQuery{Before: tw.now.Add(time.Hour), Archived: true, Limit: 1000})
	if err != nil {
		tw.Error(err)
	}
	return all
}

// compareExports wants both stores to have the same export, except for mail that has been
// read and that the model does not keep; and each export to be the same after an import.
func (tw *twins) compareExports() {
	m, errM := tw.model.Export(tw.Context(), "", 10_000)
	s, errS := tw.tested.Export(tw.Context(), "", 10_000)
	for n, from := range [][]bot.ArchiveItem{m, s} {
		model, tested := tw.open(tw.T)
		for k, to := range []bot.Store{model, tested} {
			if err := to.Import(tw.Context(), from); err != nil {
				tw.Fatal(err)
			}
			again, err := to.Export(tw.Context(), "", 10_000)
			wantSame(tw, fmt.Sprintf("export %d imported into store %d", n, k), unreadOnly(from), unreadOnly(again), nil, err)
			if k == 1 {
				wantSame(tw, "an imported export", from, again, nil, err)
			}
		}
	}
	wantSame(tw, "export", unreadOnly(m), unreadOnly(s), errM, errS)
	tw.reached["exported"] += len(m)
}

// unreadOnly returns items without mail that has been read.
func unreadOnly(items []bot.ArchiveItem) []bot.ArchiveItem {
	all := slices.Clone(items)
	for n, p := range all {
		if p.Incident != nil {
			d := *p.Incident
			d.Mail = slices.DeleteFunc(slices.Clone(d.Mail), func(m bot.StoredMail) bool { return m.Seq <= d.ReadSeq })
			all[n].Incident = &d
		}
	}
	return all
}
