package slack

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/workflow"
)

// HomeData is what somebody's Home tab is drawn from. The incidents are those
// that they may see.
type HomeData struct {
	Guest bool                // nobody knows who they are
	Yours []workflow.Incident // that they hold, lead or are asked for
	Open  []workflow.Incident // all; those of Yours are shown there alone
	URL   string              // of the browser; "": none
	// CanAcknowledge reports whether they may acknowledge an incident; nil: any.
	CanAcknowledge func(*workflow.Incident) bool
}

// mostRows is how many incidents one list shows.
const mostRows = 30

// HomeView is the Home tab (docs.slack.dev/reference/views/home-tab-views).
func HomeView(h HomeData) slack.HomeTabViewRequest {
	p := &homePage{HomeData: h}
	declare := p.do("Declare an incident", "declare")
	declare.Style = slack.StylePrimary
	bar := []slack.BlockElement{declare}
	if host(h.URL) != "" {
		bar = append(bar, &slack.ButtonBlockElement{Type: slack.METButton, ActionID: "open:web", URL: h.URL, Text: plain("Open the browser", longLabel)})
	}
	p.blocks = []slack.Block{slack.NewActionBlock("", bar...)}
	if h.Guest {
		p.blocks = append(p.blocks, rich(span{text: "I do not know you yet. You can declare incidents and see those that are not private. To do more, ask whoever runs Tocsin to add your address or your Slack ID under "}, span{text: "people:", code: true}, span{text: "."}))
	}
	open := slices.DeleteFunc(slices.Clone(h.Open), func(i workflow.Incident) bool {
		return slices.ContainsFunc(h.Yours, func(y workflow.Incident) bool { return y.ID == i.ID })
	})
	p.list("Yours", h.Yours)
	if len(h.Yours) > 0 {
		p.list("Also open", open)
	} else {
		p.list("Open", open)
	}
	if len(h.Yours)+len(h.Open) == 0 {
		p.blocks = append(p.blocks, rich(span{text: "Nothing is open. Quiet is good."}))
	}
	return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: p.blocks[:min(len(p.blocks), homeBlocks)]}, CallbackID: "home"}
}

// A homePage is a Home tab being written.
type homePage struct {
	HomeData
	blocks  []slack.Block
	buttons int
}

func (p *homePage) do(label, command string) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(fmt.Sprintf("do:%d", p.buttons), command, plain(label, longLabel))
	p.buttons++
	return b
}

// list shows incidents, the worst first, and of one severity the oldest.
func (p *homePage) list(heading string, all []workflow.Incident) {
	if len(all) == 0 {
		return
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b workflow.Incident) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.DeclaredAt.Compare(b.DeclaredAt), cmp.Compare(a.Number, b.Number))
	})
	p.blocks = append(p.blocks, slack.NewHeaderBlock(plain(heading, longHeader)))
	for n := range all[:min(len(all), mostRows)] {
		p.blocks = append(p.blocks, p.row(&all[n]))
	}
	if left := len(all) - mostRows; left > 0 {
		said := fmt.Sprintf("and %d more", left)
		if to := link(p.URL); to != "" {
			said += ": open them in the browser, " + to
		}
		p.blocks = append(p.blocks, slack.NewContextBlock("", markup(said)))
	}
}

// row is one incident: what it is, how it stands, where it is worked on, and a
// button if nobody has said that they are on it.
func (p *homePage) row(i *workflow.Incident) slack.Block {
	title := i.ID + " · " + i.Title
	if i.Kind == workflow.Drill {
		title = i.ID + " · DRILL · " + i.Title
	}
	stands := []string{i.Severity.String(), string(i.Status)}
	switch {
	case i.Unattended():
		stands = append(stands, "UNATTENDED")
	case i.Acknowledged():
		stands = append(stands, "acknowledged by "+cmp.Or(i.Acknowledgement.Name, i.Acknowledgement.Person))
	default:
		stands = append(stands, "not acknowledged")
	}
	if i.Visibility == workflow.Private {
		stands = append(stands, "private")
	}
	if len(i.Services) > 0 {
		stands = append(stands, strings.Join(i.Services, ", "))
	}
	text := short(line(title), longSection/4) + "\n" + short(line(strings.Join(stands, " · ")), longSection/4)
	s := slack.NewSectionBlock(plainLines(text), nil, nil)
	if where := p.where(i); where != "" {
		s.Fields = []*slack.TextBlockObject{markup(where)}
	}
	if i.Open() && !i.Acknowledged() && (p.CanAcknowledge == nil || p.CanAcknowledge(i)) {
		ack := p.do("Acknowledge", fmt.Sprintf("ack %s --seen %d", i.ID, i.Seq))
		s.Accessory = slack.NewAccessory(ack)
	}
	return s
}

// channelID is what Slack calls a channel. Nothing else may stand in markup.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,40}$`)

// where leads to the room of an incident, or else to its page. Slack shows the
// channel's name to those who may know it.
func (p *homePage) where(i *workflow.Incident) string {
	for _, r := range i.Rooms {
		if r.Platform == "slack" && r.State == workflow.RoomOpen && channelID.MatchString(r.ID) {
			return "<#" + r.ID + ">"
		}
	}
	if p.URL == "" {
		return ""
	}
	return link(p.URL + "/incidents/" + i.ID)
}
