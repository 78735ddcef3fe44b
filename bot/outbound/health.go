package outbound

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outage says that a chat platform does not answer.
type Outage struct {
	Platform string
	Since    time.Time
	Why      string
}

// Health knows which chat platforms do not answer. It is known to this process
// alone, and forgotten with it: what is owed to a platform is in the store.
type Health struct {
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex
	outages map[string]Outage // by platform
}

// NewHealth makes a health on which every platform answers.
func NewHealth(now func() time.Time, log *slog.Logger) *Health {
	return &Health{now: now, log: log, outages: map[string]Outage{}}
}

// ReportHealth records how the last call to a platform went: whether the platform
// answered at all, be it with a refusal.
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
		h.log.Error("a chat platform does not answer; what is owed to it waits", "platform", platform, "error", why)
	}
}

// Outage returns the outage of a platform that does not answer.
func (h *Health) Outage(platform string) (o Outage, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok = h.outages[platform]
	return o, ok
}

// Summary names the platforms that do not answer, each with since when: two equal
// summaries mean the same outages.
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
