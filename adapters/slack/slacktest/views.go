package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// A trigger ID "will expire three seconds after" it was made, and can be used once
	// (interactivity/handling-user-interaction, and expired_trigger_id and exchanged_trigger_id on
	// reference/methods/views.open).
	triggerLifetime = 3 * time.Second
	// A modal has at most three views (push_limit_reached on reference/methods/views.push).
	maxStackedViews = 3
)

// View is a modal or a Home tab.
type View struct {
	ID, Hash, User                        string
	Type                                  string // modal or home
	Title, Submit                         string
	CallbackID, PrivateMetadata, External string
	RootID, PreviousID                    string
	NotifyOnClose, ClearOnClose           bool
	Blocks                                json.RawMessage
	// State holds the values that are filled in, by block_id and action_id, as in a view_submission payload.
	State map[string]map[string]map[string]any
}

// Plain returns the view as its reader sees it: the title, the texts, and the submit button.
func (v View) Plain() string {
	lines := []string{v.Title, renderPlain("", v.Blocks, nil), v.Submit}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// trigger is a trigger ID that the app got in a payload.
type trigger struct {
	user string
	view string // the view of the interaction; empty if there was none
	at   time.Time
	used bool
}

// Views returns the open modals, those below others included, in the order in which they were opened.
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

// View returns a view by its ID; the zero value if it is closed.
func (s *Server) View(id string) View { return s.copyView(func() *View { return s.findView(id) }) }

// Modal returns the modal that a person has in front of them; the zero value if there is none.
func (s *Server) Modal(user string) View {
	return s.copyView(func() *View { return s.findTopModal(user) })
}

// Home returns a person's Home tab; the zero value if none was published.
func (s *Server) Home(user string) View {
	return s.copyView(func() *View { return s.findHomeTab(user) })
}

// copyView returns a copy of the view that find returns, which runs with the lock held.
func (s *Server) copyView(find func() *View) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := find(); v != nil {
		return v.copy()
	}
	return View{}
}

// copy returns a copy whose State is independent of the server.
func (v *View) copy() View {
	d := *v
	d.State = map[string]map[string]map[string]any{}
	for block, actions := range v.State {
		d.State[block] = maps.Clone(actions)
	}
	return d
}

// findView returns the view with an ID; nil if there is none.
func (s *Server) findView(id string) *View {
	return s.findLastView(func(v *View) bool { return v.ID == id })
}

// findTopModal returns the modal on top of a user's stack; nil if there is none.
func (s *Server) findTopModal(user string) *View {
	return s.findLastView(func(v *View) bool { return v.Type == "modal" && v.User == user })
}

// findHomeTab returns a user's Home tab; nil if there is none.
func (s *Server) findHomeTab(user string) *View {
	return s.findLastView(func(v *View) bool { return v.Type == "home" && v.User == user })
}

// findLastView returns the view that was opened last among those that match; nil if there is none.
func (s *Server) findLastView(match func(*View) bool) *View {
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
	return s.addTrigger(user, "")
}

// addTrigger registers a trigger of an interaction in a view, or in none, and returns its ID.
func (s *Server) addTrigger(user, view string) string {
	id := strings.ReplaceAll(s.newTimestamp(), ".", "") + "." + s.TeamID[2:] + "." + newSecret()
	s.triggers[id] = &trigger{user: user, view: view, at: s.now()}
	return id
}

// useTrigger uses up the trigger that the call names.
func (c *call) useTrigger() (*trigger, answer) {
	t := c.triggers[c.args["trigger_id"]]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case c.now().Sub(t.at) > triggerLifetime:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// openView handles views.open. It uses the trigger last, so that a view that is refused does not use it up.
func openView(c *call) answer {
	given, refused := c.readView("")
	if refused != nil {
		return refused
	}
	t, refused := c.useTrigger()
	if refused != nil {
		return refused
	}
	c.closeViews(t.user)
	return answer{"view": c.encodeView(c.addView(t.user, nil, given))}
}

// pushView handles views.push. The trigger has to come from an interaction in the modal.
func pushView(c *call) answer {
	given, refused := c.readView("")
	if refused != nil {
		return refused
	}
	t, refused := c.useTrigger()
	if refused != nil {
		return refused
	}
	below := c.findTopModal(t.user)
	if below == nil || t.view == "" || c.findView(t.view) == nil {
		return refuse("not_found")
	}
	depth := 0
	for _, v := range c.views {
		if v.RootID == below.RootID {
			depth++
		}
	}
	if depth >= maxStackedViews {
		return refuse("push_limit_reached")
	}
	return answer{"view": c.encodeView(c.addView(t.user, below, given))}
}

// updateView handles views.update.
func updateView(c *call) answer {
	v := c.findLastView(func(v *View) bool {
		return v.Type == "modal" && (v.ID == c.args["view_id"] || v.External != "" && v.External == c.args["external_id"])
	})
	if v == nil {
		return refuse("not_found")
	}
	return c.replaceView(v)
}

// publishView handles views.publish.
func publishView(c *call) answer {
	user := c.args["user_id"]
	if u := c.users[user]; u == nil || u.Bot || u.Deleted {
		return refuse("invalid_arguments")
	}
	if v := c.findHomeTab(user); v != nil {
		return c.replaceView(v)
	}
	given, refused := c.readView("")
	switch {
	case refused != nil:
		return refused
	case c.args["hash"] != "":
		return refuse("hash_conflict")
	}
	return answer{"view": c.encodeView(c.addView(user, nil, given))}
}

// replaceView replaces the content of a view, unless the view has changed since the app read its hash.
func (c *call) replaceView(v *View) answer {
	given, refused := c.readView(v.ID)
	switch hash := c.args["hash"]; {
	case refused != nil:
		return refused
	case hash != "" && hash != v.Hash:
		return refuse("hash_conflict")
	}
	c.setContent(v, given)
	return answer{"view": c.encodeView(v)}
}

// readView returns the view in the arguments of a call, which have been checked. own is the ID of the view that it replaces,
// if any.
func (c *call) readView(own string) (map[string]any, answer) {
	v, _ := parseJSON(c.args["view"])
	given, _ := v.(map[string]any)
	external := stringField(given, "external_id")
	if c.findLastView(func(v *View) bool { return external != "" && v.External == external && v.ID != own }) != nil {
		return nil, refuse("duplicate_external_id")
	}
	return given, nil
}

// addView opens a view for a user, above the view below unless that is nil.
func (s *Server) addView(user string, below *View, given map[string]any) *View {
	v := &View{ID: s.newID("V"), User: user}
	v.RootID = v.ID
	if below != nil {
		v.RootID, v.PreviousID = below.RootID, below.ID
	}
	s.setContent(v, given)
	s.views = append(s.views, v)
	return v
}

// setContent sets the content of a view to what the app has sent. A value that is filled in stays if the block_id and the
// action_id of its element stay (reference/views/modal-views, "Preserving input entry in views").
func (s *Server) setContent(v *View, given map[string]any) {
	v.Hash = s.newTimestamp()[:10] + "." + newSecret()[:8]
	v.Type, v.CallbackID, v.PrivateMetadata = stringField(given, "type"), stringField(given, "callback_id"), stringField(given, "private_metadata")
	v.External = stringField(given, "external_id")
	v.Title, v.Submit = textField(given, "title"), textField(given, "submit")
	v.NotifyOnClose, _ = given["notify_on_close"].(bool)
	v.ClearOnClose, _ = given["clear_on_close"].(bool)
	v.Blocks = fillIDs(given["blocks"])
	before := v.State
	v.State = map[string]map[string]map[string]any{}
	eachElement(given["blocks"], func(b, e map[string]any) {
		value := initialStateOf(e)
		block, action := stringField(b, "block_id"), stringField(e, "action_id")
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

// textField returns the text of a text object in a field of an object.
func textField(object map[string]any, name string) string {
	inner, _ := object[name].(map[string]any)
	return stringField(inner, "text")
}

// encodeView returns a view as in reference/interaction-payloads/view-interactions-payload, "view".
func (s *Server) encodeView(v *View) answer {
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

// closeView closes a view.
func (s *Server) closeView(v *View) {
	s.views = slices.DeleteFunc(s.views, func(other *View) bool { return other == v })
}

// closeViews closes all modals of a person.
func (s *Server) closeViews(user string) {
	s.views = slices.DeleteFunc(s.views, func(v *View) bool { return v.Type == "modal" && v.User == user })
}

// initialStateOf returns the state of an element of a view before anyone uses it; nil for an element that holds no value.
func initialStateOf(e map[string]any) map[string]any {
	s := readSchemas().named[stringField(e, "type")]
	if s == nil || s.State == "" {
		return nil
	}
	value := e[s.Initial]
	if value == nil && strings.HasSuffix(s.State, "s") { // selected_options, selected_users
		value = []any{}
	}
	return map[string]any{"type": s.kind, s.State: value}
}
