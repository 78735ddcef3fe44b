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

func (s *Server) viewMethods() map[string]method {
	one := []string{"view"}
	return map[string]method{
		"views.open":    {do: openView, perMinute: tier4, required: one, json: true},
		"views.push":    {do: pushView, perMinute: tier4, required: one, json: true},
		"views.update":  {do: updateView, perMinute: tier4, required: one, json: true},
		"views.publish": {do: publishView, perMinute: tier4, required: append(one, "user_id"), json: true},
		"apps.connections.open": {
			do: openConnection, perMinute: tier3, app: true, bot: []string{"connections:write"}, json: true,
		},
	}
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
func (s *Server) View(id string) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.view(id); v != nil {
		return v.copy()
	}
	return View{}
}

// Modal is the modal that a person has in front of them; the zero value if there is none.
func (s *Server) Modal(user string) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.top(user); v != nil {
		return v.copy()
	}
	return View{}
}

// Home is a person's Home tab; the zero value if none was published.
func (s *Server) Home(user string) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views {
		if v.Type == "home" && v.User == user {
			return v.copy()
		}
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
	for _, v := range s.views {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func (s *Server) top(user string) *View {
	for _, v := range slices.Backward(s.views) {
		if v.Type == "modal" && v.User == user {
			return v
		}
	}
	return nil
}

// Trigger makes a trigger ID as an interaction of a person would, for tests of views alone.
func (s *Server) Trigger(user string) string {
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
	case c.args["trigger_id"] == "":
		return nil, invalid("missing required field: trigger_id")
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

// openView: reference/methods/views.open. A bad view does not use the trigger up.
func openView(c *call) answer {
	given, refused := c.given("modal", "")
	if refused != nil {
		return refused
	}
	t, refused := c.exchange()
	if refused != nil {
		return refused
	}
	c.closeViews(t.user)
	v := &View{ID: c.id("V"), User: t.user}
	v.RootID = v.ID
	c.fill(v, given)
	c.views = append(c.views, v)
	return answer{"view": c.showView(v)}
}

// pushView: reference/methods/views.push, with a trigger from an interaction in the modal.
func pushView(c *call) answer {
	given, refused := c.given("modal", "")
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
	v := &View{ID: c.id("V"), User: t.user, RootID: below.RootID, PreviousID: below.ID}
	c.fill(v, given)
	c.views = append(c.views, v)
	return answer{"view": c.showView(v)}
}

// updateView: reference/methods/views.update.
func updateView(c *call) answer {
	if (c.args["view_id"] == "") == (c.args["external_id"] == "") {
		return invalid("either view_id or external_id is required")
	}
	i := slices.IndexFunc(c.views, func(v *View) bool {
		return v.Type == "modal" && (v.ID == c.args["view_id"] || v.External != "" && v.External == c.args["external_id"])
	})
	if i < 0 {
		return refuse("not_found")
	}
	v := c.views[i]
	given, refused := c.given("modal", v.ID)
	if refused != nil {
		return refused
	}
	if hash := c.args["hash"]; hash != "" && hash != v.Hash {
		return refuse("hash_conflict")
	}
	c.fill(v, given)
	return answer{"view": c.showView(v)}
}

// publishView: reference/methods/views.publish.
func publishView(c *call) answer {
	user := c.args["user_id"]
	if u := c.users[user]; u == nil || u.Bot || u.Deleted {
		return invalid("invalid user_id [json-pointer:/user_id]")
	}
	var v *View
	for _, old := range c.views {
		if old.Type == "home" && old.User == user {
			v = old
		}
	}
	own := ""
	if v != nil {
		own = v.ID
	}
	given, refused := c.given("home", own)
	if refused != nil {
		return refused
	}
	if hash := c.args["hash"]; hash != "" && (v == nil || hash != v.Hash) {
		return refuse("hash_conflict")
	}
	if v == nil {
		v = &View{ID: c.id("V"), User: user}
		v.RootID = v.ID
		c.views = append(c.views, v)
	}
	c.fill(v, given)
	return answer{"view": c.showView(v)}
}

// given checks the view of a call; own is the view that it will replace.
func (c *call) given(kind, own string) (map[string]any, answer) {
	given, refused := checkView(c.args["view"], kind)
	if refused != nil {
		return nil, refused
	}
	external := word(given, "external_id")
	for _, v := range c.views {
		if external != "" && v.External == external && v.ID != own {
			return nil, refuse("duplicate_external_id")
		}
	}
	return given, nil
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
	blocks, _ := given["blocks"].([]any)
	for _, entry := range blocks {
		b, _ := entry.(map[string]any)
		for _, e := range interactive(b) {
			value := initialState(e)
			block, action := word(b, "block_id"), word(e, "action_id")
			if old := before[block][action]; old != nil && old["type"] == value["type"] {
				value = old
			}
			if value == nil {
				continue
			}
			if v.State[block] == nil {
				v.State[block] = map[string]map[string]any{}
			}
			v.State[block][action] = value
		}
	}
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

// closeViews closes all modals of a person.
func (s *Server) closeViews(user string) {
	s.views = slices.DeleteFunc(s.views, func(v *View) bool { return v.Type == "modal" && v.User == user })
}

// initialState is what an element of a view says before anybody touches it; nil for what holds no value.
func initialState(e map[string]any) map[string]any {
	kind := word(e, "type")
	state := map[string]any{"type": kind}
	initial := func(name string) any {
		if v, given := e[name]; given {
			return v
		}
		return nil
	}
	switch kind {
	case "plain_text_input", "number_input", "email_text_input", "url_text_input":
		state["value"] = initial("initial_value")
	case "static_select", "external_select", "radio_buttons":
		state["selected_option"] = initial("initial_option")
	case "checkboxes", "multi_static_select", "multi_external_select":
		state["selected_options"] = initial("initial_options")
		if state["selected_options"] == nil {
			state["selected_options"] = []any{}
		}
	case "users_select":
		state["selected_user"] = initial("initial_user")
	case "multi_users_select":
		state["selected_users"] = initial("initial_users")
		if state["selected_users"] == nil {
			state["selected_users"] = []any{}
		}
	case "datepicker":
		state["selected_date"] = initial("initial_date")
	case "timepicker":
		state["selected_time"] = initial("initial_time")
	case "datetimepicker":
		state["selected_date_time"] = initial("initial_date_time")
	default:
		return nil
	}
	return state
}
