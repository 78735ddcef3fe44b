package bot

import (
	"strings"
	"time"
)

// Trouble says that a chat platform does not answer.
type Trouble struct {
	Platform string
	Since    time.Time
	Why      string
}

// Heard notes how the last call to a platform went: whether it answered, in
// whatever way. It is known to this process alone, and forgotten with it.
func (b *Bot) Heard(platform string, answered bool, err error) {
	if answered {
		if _, was := b.troubles.LoadAndDelete(platform); was {
			b.cfg.Log.Info("a chat platform answers again", "platform", platform)
		}
		return
	}
	why := "no answer"
	if err != nil {
		why = err.Error()
	}
	if _, was := b.troubles.LoadOrStore(platform, Trouble{Platform: platform, Since: b.Now(), Why: why}); !was {
		b.cfg.Log.Error("a chat platform does not answer; what is owed to it waits", "platform", platform, "error", why)
	}
}

// Trouble reports whether a platform does not answer.
func (b *Bot) Trouble(platform string) (Trouble, bool) {
	t, is := b.troubles.Load(platform)
	if !is {
		return Trouble{}, false
	}
	return t.(Trouble), true //nolint:errcheck // nothing else is put in
}

// Silent names the platforms that do not answer, each with since when: what is
// the same was the same.
func (b *Bot) Silent() string {
	var all []string
	for _, p := range b.platforms {
		if t, is := b.Trouble(p); is {
			all = append(all, t.Platform+" "+t.Since.String())
		}
	}
	return strings.Join(all, ", ")
}
