package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// A trigger "will expire three seconds after" it was made, and works once (interactivity/handling-user-interaction,
	// and expired_trigger_id and exchanged_trigger_id on reference/methods/views.open).
	triggerLife = 3 * time.Second
	// push_limit_reached on reference/methods/views.push: a modal has three views at most.
	mostPushed = 3
)

// View is a modal or a Home tab as it is now.
type View struct {
	ID, Hash, User                        string
	Type                                  string // modal or home
	Title, Submit                         string
	CallbackID, PrivateMetadata, External string
	RootID, PreviousID                    string
	NotifyOnClose, ClearOnClose           bool
	Blocks                                json.RawMessage
	// State holds what is filled in, by block_id and action_id, in the shapes of a view_submission payload.
	State map[string]map[string]map[string]any
}

// Plain is the view as its reader sees it: title, then its texts, then the button.
func (v View) Plain() string {
	lines := []string{v.Title, plainOf("", v.Blocks, nil), v.Submit}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

type trigger struct {
	user string
	view string // the view that it was made in
	at   time.Time
	used bool
}

// Views are the open modals, those below others included, in the order of their opening.
func (s *Server) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []View
	for _, v := range s.views {
		if v.Type == "modal" {
			all = append(all, v.copy())
		}
	}
	return all
}

// View is one view by its ID; the zero value when it is closed.
func (s *Server) View(id string) View { return s.copyView(func() *View { return s.view(id) }) }

// Modal is the modal that a person has in front of them; the zero value if there is none.
func (s *Server) Modal(user string) View { return s.copyView(func() *View { return s.top(user) }) }

// Home is a person's Home tab; the zero value if none was published.
func (s *Server) Home(user string) View { return s.copyView(func() *View { return s.home(user) }) }

func (s *Server) copyView(find func() *View) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := find(); v != nil {
		return v.copy()
	}
	return View{}
}

func (v *View) copy() View {
	d := *v
	d.State = map[string]map[string]map[string]any{}
	for block, actions := range v.State {
		d.State[block] = maps.Clone(actions)
	}
	return d
}

func (s *Server) view(id string) *View {
	return s.lastView(func(v *View) bool { return v.ID == id })
}

func (s *Server) top(user string) *View {
	return s.lastView(func(v *View) bool { return v.Type == "modal" && v.User == user })
}

func (s *Server) home(user string) *View {
	return s.lastView(func(v *View) bool { return v.Type == "home" && v.User == user })
}

func (s *Server) lastView(match func(*View) bool) *View {
	for _, v := range slices.Backward(s.views) {
		if match(v) {
			return v
		}
	}
	return nil
}

// NewTrigger returns a trigger ID as an interaction of a person would create one, for tests of views alone.
func (s *Server) NewTrigger(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newTrigger(user, "")
}

func (s *Server) newTrigger(user, view string) string {
	id := strings.ReplaceAll(s.timestamp(), ".", "") + "." + s.TeamID[2:] + "." + secret()
	s.triggers[id] = &trigger{user: user, view: view, at: s.now()}
	return id
}

// exchange uses a trigger up.
func (c *call) exchange() (*trigger, answer) {
	t := c.triggers[c.args["trigger_id"]]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case c.now().Sub(t.at) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// openView takes the trigger last: a bad view does not use it up.
func openView(c *call) answer {
	given, refused := c.given("")
	if refused != nil {
		return refused
	}
	t, refused := c.exchange()
	if refused != nil {
		return refused
	}
	c.closeViews(t.user)
	return answer{"view": c.showView(c.addView(t.user, nil, given))}
}

// pushView needs a trigger from an interaction in the modal.
func pushView(c *call) answer {
	given, refused := c.given("")
	if refused != nil {
		return refused
	}
	t, refused := c.exchange()
	if refused != nil {
		return refused
	}
	below := c.top(t.user)
	if below == nil || t.view == "" || c.view(t.view) == nil {
		return refuse("not_found")
	}
	depth := 0
	for _, v := range c.views {
		if v.RootID == below.RootID {
			depth++
		}
	}
	if depth >= mostPushed {
		return refuse("push_limit_reached")
	}
	return answer{"view": c.showView(c.addView(t.user, below, given))}
}

func updateView(c *call) answer {
	v := c.lastView(func(v *View) bool {
		return v.Type == "modal" && (v.ID == c.args["view_id"] || v.External != "" && v.External == c.args["external_id"])
	})
	if v == nil {
		return refuse("not_found")
	}
	return c.replaceView(v)
}

func publishView(c *call) answer {
	user := c.args["user_id"]
	if u := c.users[user]; u == nil || u.Bot || u.Deleted {
		return refuse("invalid_arguments")
	}
	if v := c.home(user); v != nil {
		return c.replaceView(v)
	}
	given, refused := c.given("")
	switch {
	case refused != nil:
		return refused
	case c.args["hash"] != "":
		return refuse("hash_conflict")
	}
	return answer{"view": c.showView(c.addView(user, nil, given))}
}

// replaceView makes a view the one that was given, unless it has changed since the app saw it.
func (c *call) replaceView(v *View) answer {
	given, refused := c.given(v.ID)
	switch hash := c.args["hash"]; {
	case refused != nil:
		return refused
	case hash != "" && hash != v.Hash:
		return refuse("hash_conflict")
	}
	c.fill(v, given)
	return answer{"view": c.showView(v)}
}

// given reads the view of a call, which was checked; own is the view that it will replace.
func (c *call) given(own string) (map[string]any, answer) {
	v, _ := parse(c.args["view"])
	given, _ := v.(map[string]any)
	external := word(given, "external_id")
	if c.lastView(func(v *View) bool { return external != "" && v.External == external && v.ID != own }) != nil {
		return nil, refuse("duplicate_external_id")
	}
	return given, nil
}

// addView opens a view for a user, above another one unless that is nil.
func (s *Server) addView(user string, below *View, given map[string]any) *View {
	v := &View{ID: s.id("V"), User: user}
	v.RootID = v.ID
	if below != nil {
		v.RootID, v.PreviousID = below.RootID, below.ID
	}
	s.fill(v, given)
	s.views = append(s.views, v)
	return v
}

// fill makes a view what an app has sent. What was filled in stays where block_id and action_id stay
// (reference/views/modal-views, "Preserving input entry in views").
func (s *Server) fill(v *View, given map[string]any) {
	v.Hash = s.timestamp()[:10] + "." + secret()[:8]
	v.Type, v.CallbackID, v.PrivateMetadata = word(given, "type"), word(given, "callback_id"), word(given, "private_metadata")
	v.External = word(given, "external_id")
	v.Title, v.Submit = wordIn(given, "title"), wordIn(given, "submit")
	v.NotifyOnClose, _ = given["notify_on_close"].(bool)
	v.ClearOnClose, _ = given["clear_on_close"].(bool)
	v.Blocks = complete(given["blocks"])
	before := v.State
	v.State = map[string]map[string]map[string]any{}
	eachElement(given["blocks"], func(b, e map[string]any) {
		value := initialState(e)
		block, action := word(b, "block_id"), word(e, "action_id")
		if old := before[block][action]; old != nil && old["type"] == value["type"] {
			value = old
		}
		if value == nil {
			return
		}
		if v.State[block] == nil {
			v.State[block] = map[string]map[string]any{}
		}
		v.State[block][action] = value
	})
}

func wordIn(object map[string]any, name string) string {
	inner, _ := object[name].(map[string]any)
	return word(inner, "text")
}

// showView is reference/interaction-payloads/view-interactions-payload, "view".
func (s *Server) showView(v *View) answer {
	a := answer{
		"id": v.ID, "team_id": s.TeamID, "app_id": s.AppID, "bot_id": s.BotID, "app_installed_team_id": s.TeamID,
		"type": v.Type, "callback_id": v.CallbackID, "private_metadata": v.PrivateMetadata, "external_id": v.External,
		"hash": v.Hash, "root_view_id": v.RootID, "previous_view_id": nil, "blocks": v.Blocks,
		"clear_on_close": v.ClearOnClose, "notify_on_close": v.NotifyOnClose, "state": answer{"values": v.copy().State},
	}
	if v.PreviousID != "" {
		a["previous_view_id"] = v.PreviousID
	}
	if v.Type == "modal" {
		a["title"] = answer{"type": "plain_text", "text": v.Title, "emoji": true}
		a["submit"], a["close"] = nil, nil
		if v.Submit != "" {
			a["submit"] = answer{"type": "plain_text", "text": v.Submit, "emoji": true}
		}
	}
	return a
}

func (s *Server) closeView(v *View) {
	s.views = slices.DeleteFunc(s.views, func(other *View) bool { return other == v })
}

// closeViews closes all modals of a person.
func (s *Server) closeViews(user string) {
	s.views = slices.DeleteFunc(s.views, func(v *View) bool { return v.Type == "modal" && v.User == user })
}

// initialState is what an element of a view says before anyone uses it; nil for what holds no value.
func initialState(e map[string]any) map[string]any {
	s := readSchemas().named[word(e, "type")]
	if s == nil || s.State == "" {
		return nil
	}
	value := e[s.Initial]
	if value == nil && strings.HasSuffix(s.State, "s") { // selected_options, selected_users
		value = []any{}
	}
	return map[string]any{"type": s.kind, s.State: value}
}
