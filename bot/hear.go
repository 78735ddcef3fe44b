package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// What a chat platform hears, and passes on.

// Account is somebody on a chat platform, as the platform knows them.
type Account struct {
	Platform string
	ID       string
	Name     string
	Email    string // "": not known, or not to be trusted
	Zone     *time.Location
	Unsure   bool // the platform has not said who they are
	Stranger bool // of another organization, in a channel that is shared with it
}

// SpeakerOf returns whoever has an account: the configured person it belongs
// to, by its ID or else by its address, or a guest (rule P1). A guest who is
// called like somebody configured is told apart from them.
func (b *Bot) SpeakerOf(a Account) Speaker {
	org := b.Organization()
	if p, ok := org.Directory.ByAccount(a.Platform, a.ID, a.Email); ok {
		s, _ := b.Speaker(p.ID)
		if p.Zone == nil && a.Zone != nil {
			s.Zone = a.Zone
		}
		return s
	}
	name := cmp.Or(line(a.Name, 60), a.ID)
	if _, namesake := org.Directory.Find(name); namesake && a.Platform != "" {
		name += " on " + strings.ToUpper(a.Platform[:1]) + a.Platform[1:]
	}
	access := org.DefaultAccess
	if a.Stranger {
		access = commands.Guest
	}
	return Speaker{
		Handle: a.Platform + ":" + a.ID, Name: name, Access: access, Zone: cmp.Or(a.Zone, org.Zone),
		Unsure: a.Unsure,
	}
}

// Utterance is a message in a room on a platform: said, changed or taken back.
// Key is stable for the message.
type Utterance struct {
	Incident string
	Key      string
	At       time.Time
	By       Speaker
	Text     string
	Via      string // the platform, as shown
	Changed  bool
	Deleted  bool
}

// Overhear keeps what was said in a room on a platform in the incident's
// conversation: once for its key, with its changes.
func (b *Bot) Overhear(ctx context.Context, u Utterance) error {
	text, _ := workflow.CleanText(u.Text, workflow.MaxText)
	if u.Deleted {
		text = ""
	}
	r := Remark{
		At: u.At, Person: u.By.Person, Name: card.By(u.By.actor()), Text: text, Via: u.Via, Edited: u.Changed, Deleted: u.Deleted,
	}
	said, err := r.said(u.Key)
	if err != nil {
		return err
	}
	c := Commit{At: b.Now(), Incident: u.Incident, Said: []Said{said}}
	if u.Changed || u.Deleted {
		if c, err = b.resaid(ctx, c, r); err != nil {
			return err
		}
	}
	_, err = b.cfg.Store.Commit(ctx, c)
	if errors.Is(err, ErrNotFound) {
		return Permanent(err)
	}
	return err
}

// resaid puts the change of a message in the place of what it was; who said it
// and when stay as they are. A change of what was never heard is heard as it
// is now.
func (b *Bot) resaid(ctx context.Context, c Commit, r Remark) (Commit, error) {
	was, found, err := b.remark(ctx, c.Incident, c.Said[0].Key)
	if err != nil {
		return c, err
	}
	if !found {
		if r.Deleted {
			c.Said = nil
		}
		return c, nil
	}
	was.Text, was.Edited, was.Deleted = r.Text, r.Edited, r.Deleted
	said, err := was.said(c.Said[0].Key)
	c.Said, c.Resaid = nil, []Said{said}
	return c, err
}

// lookBack is how many messages are read at a time to find one.
const lookBack = 500

// remark finds a message of a conversation by its key, the newest first.
func (b *Bot) remark(ctx context.Context, incident, key string) (Remark, bool, error) {
	for before := 0; ; {
		said, err := b.cfg.Store.Talk(ctx, incident, before, lookBack)
		if err != nil {
			return Remark{}, false, fmt.Errorf("read the conversation of %s: %w", incident, err)
		}
		for _, one := range said {
			if one.Key == key {
				var r Remark
				err = json.Unmarshal(one.Body, &r)
				return r, err == nil, err
			}
		}
		if len(said) < lookBack {
			return Remark{}, false, nil
		}
		before = said[0].Seq
	}
}

// Pin copies a message of a room into the timeline, and keeps it in view; with
// text "", the message that was overheard under the key.
func (b *Bot) Pin(ctx context.Context, r Request, key string) (Reply, error) {
	if no, err := b.mayWork(ctx, r); no != nil || err != nil {
		return *cmp.Or(no, &Reply{}), err
	}
	if r.Text == "" {
		was, found, err := b.remark(ctx, r.Room, key)
		if err != nil {
			return Reply{}, err
		}
		if !found || was.Text == "" {
			return Reply{Text: "That message is not known here, so it cannot be pinned to the timeline."}, nil
		}
		if r.Text = was.Text; was.Name != card.By(r.Speaker.actor()) {
			r.Text = was.Name + ": " + was.Text
		}
	}
	return b.change(ctx, change{incident: r.Room, command: workflow.AddNote{Text: r.Text, Pin: true, Key: key}}, r)
}

// Unpin takes back what [Bot.Pin] has copied.
func (b *Bot) Unpin(ctx context.Context, r Request, key string) (Reply, error) {
	if no, err := b.mayWork(ctx, r); no != nil || err != nil {
		return *cmp.Or(no, &Reply{}), err
	}
	return b.change(ctx, change{incident: r.Room, command: workflow.RemoveNote{Key: key}}, r)
}

// mayWork refuses whoever does not work on an incident (rule P1).
func (b *Bot) mayWork(ctx context.Context, r Request) (*Reply, error) {
	i, err := b.Incident(ctx, r.Room, r.Speaker)
	if err != nil {
		no, e := refused(err)
		return &no, e
	}
	if !r.Speaker.Works(&i) {
		return &Reply{Text: fmt.Sprintf("Writing to the timeline needs the access %q; yours is %q. Ask an administrator.", commands.Responder, r.Speaker.Access)}, nil
	}
	return nil, nil //nolint:nilnil // nothing is refused, and nothing failed
}

// Form is what a line lacks: its word asks for things by a form, and the line
// says none of what is needed.
type Form struct {
	Word     string
	Incident string // "" when the word takes none
}

// NeedsForm reports whether a line that was typed is to be answered with a form:
// it lacks what its word cannot do without.
func (b *Bot) NeedsForm(ctx context.Context, r Request) (Form, bool) {
	f, wants := b.WantsForm(r)
	if !wants {
		return f, false
	}
	call, err := b.catalog.Parse(r.Text, b.context(ctx, r))
	edit, edits := call.Command.(workflow.SetDetails)
	return f, err != nil || edits && edit.Title+edit.Description+edit.Category == "" && len(edit.AddServices)+len(edit.AddSymptoms) == 0
}

// WantsForm reports whether a line is to be answered with a form: it names a
// word that has one, perhaps an incident, and nothing else. Nothing is read
// from the store, so that it can be answered at once.
func (b *Bot) WantsForm(r Request) (Form, bool) {
	words := strings.Fields(r.Text)
	if len(words) > 0 && (words[0] == "/incident" || words[0] == "/inc" || words[0] == "incident") {
		words = words[1:]
	}
	if len(words) == 0 {
		return Form{}, false
	}
	w, ok := b.catalog.Find(strings.ToLower(strings.TrimPrefix(words[0], "/")))
	if !ok || len(w.Form) == 0 || r.Speaker.Access < w.Access {
		return Form{}, false
	}
	f := Form{Word: w.Name}
	rest := words[1:]
	if w.TakesIncident() {
		f.Incident = r.Room
		if len(rest) > 0 {
			if id := commands.ParseID(rest[0]); id != "" {
				f.Incident, rest = id, rest[1:]
			}
		}
		if f.Incident == "" {
			return Form{}, false // which incident, a form cannot ask
		}
	}
	if len(rest) > 0 && rest[0] == "--seen" {
		rest = rest[min(2, len(rest)):]
	}
	return f, len(rest) == 0
}
