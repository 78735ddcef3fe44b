package slack

import (
	"time"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

type Settings struct {
	Announce     string
	ArchiveAfter time.Duration
}

type look int

const (
	asCard look = iota
	asPost
	asPage
)

func renderMessage(m card.Message, _ look) ([]slack.Block, string) {
	return []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject("plain_text", m.Title+"\n"+m.Text+" ", false, false), nil, nil)}, m.Title
}

const longestMessage = 3000
