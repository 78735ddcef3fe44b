package outbound

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outage is a chat platform that does not answer, or that refuses some work until an
// operator fixes something.
type Outage struct {
	Platform string
	Since    time.Time
	Why      string
	Blocked  bool // it answers, and Why says what an operator has to fix
}

// Health tracks which chat platforms do not answer and which refuse work, as seen by this
// process. It is in memory: the work that waits for a platform is in the store.
type Health struct {
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex
	outages map[string]Outage                 // by platform
	blocked map[string]map[string]blockedWork // by platform, then by work
}

// blockedWork is work that a platform refuses until an operator fixes something.
type blockedWork struct {
	why         string
	since, last time.Time // when it was refused first, and last
}

// blockedFor is how long work counts as refused after it was refused last: it may have
// been settled meanwhile, by another replica or because its incident has ended. Work that
// waits is tried more often.
const blockedFor = 6 * time.Minute

// NewHealth returns a health without outages.
func NewHealth(now func() time.Time, log *slog.Logger) *Health {
	return &Health{now: now, log: log, outages: map[string]Outage{}, blocked: map[string]map[string]blockedWork{}}
}

// ReportHealth records the result of a call to a platform: whether it answered at all,
// even with an error. An outage is logged when it begins and when it ends.
func (h *Health) ReportHealth(platform string, answered bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.outages[platform]
	switch {
	case answered && ok:
		delete(h.outages, platform)
		h.log.Info("a chat platform answers again", "platform", platform)
	case !answered && !ok:
		why := "no answer"
		if err != nil {
			why = err.Error()
		}
		h.outages[platform] = Outage{Platform: platform, Since: h.now(), Why: why}
		h.log.Error("a chat platform does not answer; its work waits", "platform", platform, "error", why)
	}
}

// ReportBlocked records whether a platform refuses a work until an operator fixes
// something: why says what; "" when it does not (E4g: what an operator can fix waits).
// It is logged when the first work is refused, and when the last one is not any more.
func (h *Health) ReportBlocked(platform, work, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, before := h.findBlocked(platform)
	all := h.blocked[platform]
	one, ok := all[work]
	switch {
	case why == "":
		delete(all, work)
	case all == nil:
		h.blocked[platform] = map[string]blockedWork{work: {why: why, since: h.now(), last: h.now()}}
	case !ok:
		all[work] = blockedWork{why: why, since: h.now(), last: h.now()}
	default:
		all[work] = blockedWork{why: why, since: one.since, last: h.now()}
	}
	_, after := h.findBlocked(platform)
	switch {
	case after && !before:
		h.log.Error("a chat platform refuses work until this is fixed; the work waits", "platform", platform, "error", why)
	case before && !after:
		h.log.Info("a chat platform refuses no work any more", "platform", platform)
	}
}

// findBlocked returns what a platform has refused longest.
func (h *Health) findBlocked(platform string) (o Outage, ok bool) {
	now := h.now()
	for work, one := range h.blocked[platform] {
		if now.Sub(one.last) > blockedFor {
			delete(h.blocked[platform], work)
			continue
		}
		if !ok || one.since.Before(o.Since) || one.since.Equal(o.Since) && one.why < o.Why {
			o, ok = Outage{Platform: platform, Since: one.since, Why: one.why, Blocked: true}, true
		}
	}
	return o, ok
}

// Outage returns the outage of a platform; ok is false when the platform answers, and
// refuses nothing that an operator has to fix.
func (h *Health) Outage(platform string) (o Outage, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o, ok = h.outages[platform]; ok {
		return o, ok
	}
	return h.findBlocked(platform)
}

// Summary returns the outages as one string, which changes when an outage begins or
// ends, or has another reason.
func (h *Health) Summary() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]string, 0, len(h.outages))
	for _, o := range h.outages {
		all = append(all, o.Platform+" "+o.Since.Format(time.RFC3339Nano))
	}
	for platform := range h.blocked {
		if o, ok := h.findBlocked(platform); ok {
			all = append(all, platform+" "+o.Since.Format(time.RFC3339Nano)+" "+o.Why)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
