package slack

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// nowhere is what is written where incidents are not announced.
const nowhere = "none"

// Settings is the section "slack" of the chat. The tokens are no part of it:
// they come from the environment.
type Settings struct {
	// Announce is the channel in which incidents are announced: "#incidents",
	// or its ID. "none" and "" mean that they are not.
	Announce string `yaml:"announce"`
	// ArchiveAfter is how long after its incident has ended a room is archived;
	// 0: never.
	ArchiveAfter time.Duration `yaml:"archive_after"`
}

// DefaultSettings are the settings where nothing is configured.
func DefaultSettings() Settings {
	return Settings{Announce: "#incidents", ArchiveAfter: 7 * 24 * time.Hour}
}

// Normal returns the settings with one word for each wish: where incidents are
// not announced, Announce is "".
func (s Settings) Normal() Settings {
	if s.Announce == nowhere {
		s.Announce = ""
	}
	return s
}

// Validate reports every fault, and what would be right instead.
func (s Settings) Validate() error {
	var faults []error
	if channel := s.Normal().Announce; channel != "" && !isChannel(channel) {
		faults = append(faults, fmt.Errorf("announce: %q is no channel of Slack; write %s", channel, wouldBe(channel)))
	}
	if s.ArchiveAfter < 0 {
		faults = append(faults, fmt.Errorf("archive_after: %s is negative; write a duration such as 7d, or never", s.ArchiveAfter))
	}
	return errors.Join(faults...)
}

// wouldBe guesses the right spelling of "incidents" or "#Incidents".
func wouldBe(channel string) string {
	guess := "#" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(channel, "#")), " ", "-")
	if isChannel(guess) && !isUserID(channel) {
		return fmt.Sprintf("%q, or its ID such as C024BE7LR; or none", guess)
	}
	return `a name such as "#incidents", of small letters, digits, - and _, at most 80; its ID, such as C024BE7LR; or none`
}
