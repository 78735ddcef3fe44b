package slack

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/workflow"
)

// HomeData is what a person's Home tab is rendered from. The incidents are those that
// the person may see.
type HomeData struct {
	Guest      bool                // the person is not configured
	Yours      []workflow.Incident // open ones in which the person is involved, by need
	MoreYours  int                 // how many more there are
	Others     []workflow.Incident // other open ones, by need
	MoreOthers int                 // how many more there are
	URL        string              // of the browser; "": none
	// CanAcknowledge reports whether the person may acknowledge an incident; nil: any.
	CanAcknowledge func(*workflow.Incident) bool
}

// MaxHomeRows is how many incidents one list of a Home tab shows.
const MaxHomeRows = 30

// HomeView returns the Home tab (docs.slack.dev/reference/views/home-tab-views).
func HomeView(h HomeData) slack.HomeTabViewRequest {
	p := &homePage{HomeData: h}
	declare := p.button("Declare an incident", "declare")
	declare.Style = slack.StylePrimary
	bar := []slack.BlockElement{declare}
	if host(h.URL) != "" {
		bar = append(bar, &slack.ButtonBlockElement{Type: slack.METButton, ActionID: "open:web", URL: h.URL, Text: plain("Open the browser", maxLabelLength)})
	}
	p.blocks = []slack.Block{slack.NewActionBlock("", bar...)}
	if h.Guest {
		p.blocks = append(p.blocks, rich(span{text: "I do not know you yet. You can declare incidents and see those that are not private. To do more, ask an administrator of Tocsin to add your address or your Slack ID under "}, span{text: "people:", code: true}, span{text: "."}))
	}
	p.list("Yours", h.Yours, h.MoreYours)
	if len(h.Yours) > 0 {
		p.list("Also open", h.Others, h.MoreOthers)
	} else {
		p.list("Open", h.Others, h.MoreOthers)
	}
	if len(h.Yours)+len(h.Others) == 0 {
		p.blocks = append(p.blocks, rich(span{text: "Nothing is open. Quiet is good."}))
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks[:min(len(p.blocks), maxViewBlocks)]}, CallbackID: "home"}
}

// homePage builds the blocks of a Home tab.
type homePage struct {
	HomeData
	blocks  []slack.Block
	buttons int
}

// button returns a button that sends a command.
func (p *homePage) button(label, command string) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(fmt.Sprintf("do:%d", p.buttons), command, plain(label, maxLabelLength))
	p.buttons++
	return b
}

// list shows incidents in their order, and how many more there are.
func (p *homePage) list(heading string, all []workflow.Incident, more int) {
	if len(all) == 0 {
		return
	}
	p.blocks = append(p.blocks, slack.NewHeaderBlock(plain(heading, maxHeaderLength)))
	for n := range all[:min(len(all), MaxHomeRows)] {
		p.blocks = append(p.blocks, p.row(&all[n]))
	}
	if more > 0 {
		text := fmt.Sprintf("and %d more", more)
		if to := link(p.URL); to != "" {
			text += ": open them in the browser, " + to
		}
		p.blocks = append(p.blocks, slack.NewContextBlock("", markup(text)))
	}
}

// row returns the block of one incident: its title, state and room, and a button to
// acknowledge it while it is not acknowledged.
func (p *homePage) row(i *workflow.Incident) slack.Block {
	title := i.ID + " · " + i.Title
	if i.Kind == workflow.Drill {
		title = i.ID + " · DRILL · " + i.Title
	}
	state := []string{i.Severity.String(), string(i.Status)}
	switch {
	case i.IsUnattended():
		state = append(state, "UNATTENDED")
	case i.IsAcknowledged():
		state = append(state, "acknowledged by "+cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person))
	default:
		state = append(state, "not acknowledged")
	}
	if i.Visibility == workflow.Private {
		state = append(state, "private")
	}
	if len(i.Services) > 0 {
		state = append(state, strings.Join(i.Services, ", "))
	}
	text := truncate(cleanLine(title), maxSectionLength/4) + "\n" + truncate(cleanLine(strings.Join(state, " · ")), maxSectionLength/4)
	s := slack.NewSectionBlock(plainLines(text), nil, nil)
	if room := p.roomLink(i); room != "" {
		s.Fields = []*slack.TextBlockObject{markup(room)}
	}
	if i.IsOpen() && !i.IsAcknowledged() && (p.CanAcknowledge == nil || p.CanAcknowledge(i)) {
		ack := p.button("Acknowledge", fmt.Sprintf("ack %s --seen %d", i.ID, i.Seq))
		s.Accessory = slack.NewAccessory(ack)
	}
	return s
}

// channelID matches the ID of a channel. Nothing else is written into markup.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,40}$`)

// roomLink returns a link to the room of an incident, or else to its page. Slack shows
// the channel's name only to people who may see the channel.
func (p *homePage) roomLink(i *workflow.Incident) string {
	for _, r := range i.Rooms {
		if r.Platform == Platform && r.State == workflow.RoomOpen && channelID.MatchString(r.ID) {
			return "<#" + r.ID + ">"
		}
	}
	if p.URL == "" {
		return ""
	}
	return link(p.URL + "/incidents/" + i.ID)
}
