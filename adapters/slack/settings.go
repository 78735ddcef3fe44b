package slack

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// noAnnounce is the setting with which incidents are not announced.
const noAnnounce = "none"

// Settings is the section "chat.slack" of the configuration. The tokens are not in it:
// they come from the environment.
type Settings struct {
	// Announce is the channel in which incidents are announced: "#incidents",
	// "incidents" or its ID. "none" and "" mean that they are not.
	Announce string `yaml:"announce"`
	// ArchiveAfter is how long after its incident has ended a room is archived;
	// 0: never.
	ArchiveAfter time.Duration `yaml:"archive_after"`
}

// DefaultSettings returns the settings when nothing is configured.
func DefaultSettings() Settings {
	return Settings{Announce: "#incidents", ArchiveAfter: 7 * 24 * time.Hour}
}

// Normal returns the settings in their normal form: Announce is "#incidents" or an ID;
// when incidents are not announced, it is "".
func (s Settings) Normal() Settings {
	if s.Announce == noAnnounce {
		s.Announce = ""
	}
	s.Announce = channelRef(s.Announce)
	return s
}

// Validate reports every fault, and what would be right instead.
func (s Settings) Validate() error {
	var faults []error
	if channel := s.Announce; channel != "" && !isChannel(channel) {
		faults = append(faults, fmt.Errorf("announce: %q is not a channel of Slack; write %s", channel, suggestChannel(channel)))
	}
	if s.ArchiveAfter < 0 {
		faults = append(faults, fmt.Errorf("archive_after: %s is negative; write a duration such as 7d, or never", s.ArchiveAfter))
	}
	return errors.Join(faults...)
}

// suggestChannel says what would be right instead of a channel such as "#Incidents".
func suggestChannel(channel string) string {
	guess := "#" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(channel, "#")), " ", "-")
	if isChannel(guess) && !isUserID(channel) {
		return fmt.Sprintf("%q, or its ID such as C024BE7LR; or none", guess)
	}
	return `a name such as "#incidents", of small letters, digits, - and _, at most 80; its ID, such as C024BE7LR; or none`
}
