package outbound

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outage is a chat platform that does not answer.
type Outage struct {
	Platform string
	Since    time.Time
	Why      string
}

// Health tracks which chat platforms do not answer, as seen by this process. It is in
// memory: the work that waits for a platform is in the store.
type Health struct {
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex
	outages map[string]Outage // by platform
}

// NewHealth returns a health without outages.
func NewHealth(now func() time.Time, log *slog.Logger) *Health {
	return &Health{now: now, log: log, outages: map[string]Outage{}}
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

// Outage returns the outage of a platform; ok is false when the platform answers.
func (h *Health) Outage(platform string) (o Outage, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok = h.outages[platform]
	return o, ok
}

// Summary returns the outages as one string, which changes when an outage begins or
// ends.
func (h *Health) Summary() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]string, 0, len(h.outages))
	for _, o := range h.outages {
		all = append(all, o.Platform+" "+o.Since.String())
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
