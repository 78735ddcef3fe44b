package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Submit lets a person fill in a modal and submit it (reference/interaction-payloads/view-interactions-payload).
// Values are given by block_id or action_id: a text, the value of an option, a user ID, a date, or a list of those for
// elements that take several. An input that Slack's client would refuse (a required field that is empty, a text that is
// too long) is an error, and nothing is sent. The app's answer is applied: an empty one closes the view, errors keep it
// open and are in the delivery, and update, push and clear change the views.
func (s *Server) Submit(user, viewID string, values map[string]any) Delivery {
	d := s.deliver(func() (*envelope, error) {
		v, err := s.findModalInFront(user, viewID)
		if err == nil {
			err = s.setValues(v, values)
		}
		if err != nil {
			return nil, fmt.Errorf("submit view %s: %w", viewID, err)
		}
		p := s.newInteraction("view_submission", user, v.ID)
		p.payload["view"], p.payload["response_urls"] = s.encodeView(v), []any{}
		return p, nil
	})
	if d.Err == nil {
		d.Errors, d.Err = s.applySubmitResponse(user, viewID, d.Response)
		if d.Err != nil {
			s.recordFailure(Failure{d.Kind, d.Type, "invalid response to view_submission: " + d.Err.Error(), d.Response})
		}
	}
	return d
}

// findModalInFront returns the modal on top of a user's stack, if it has the ID.
func (s *Server) findModalInFront(user, viewID string) (*View, error) {
	v := s.findTopModal(user)
	if v == nil || v.ID != viewID {
		return nil, fmt.Errorf("it is not the modal in front of %s", user)
	}
	return v, nil
}

// Fill lets a person fill in a modal without submitting it, so that a test can see which values an update keeps.
func (s *Server) Fill(user, viewID string, values map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.findView(viewID)
	if v == nil || v.User != user {
		return fmt.Errorf("fill in view %s: %s does not have it open", viewID, user)
	}
	for name, value := range values {
		if err := s.setValue(v, name, value); err != nil {
			return err
		}
	}
	return nil
}

// eachInput calls visit with every element of a view that holds a value, and the block that holds the element.
func eachInput(v *View, visit func(block, element map[string]any)) {
	parsed, _ := parseJSON(string(v.Blocks))
	eachElement(parsed, func(b, e map[string]any) {
		if initialStateOf(e) != nil {
			visit(b, e)
		}
	})
}

// setValues puts values into the state of a view, and checks what Slack's client checks before it submits.
func (s *Server) setValues(v *View, values map[string]any) (err error) {
	for name, value := range values {
		if refused := s.setValue(v, name, value); refused != nil {
			return refused
		}
	}
	eachInput(v, func(b, e map[string]any) {
		state := v.State[stringField(b, "block_id")][stringField(e, "action_id")]
		optional, _ := b["optional"].(bool)
		if stringField(b, "type") == "input" && !optional && isEmptyState(state) {
			err = fmt.Errorf("field %q is required", textField(b, "label"))
		}
		text, _ := state["value"].(string)
		if n := countCharacters(text); text != "" && (n < numberField(e, "min_length", 0) || n > numberField(e, "max_length", 3000)) {
			err = fmt.Errorf("field %q has %d characters", textField(b, "label"), n)
		}
	})
	return err
}

// isEmptyState reports whether the state of an element has no value.
func isEmptyState(state map[string]any) bool {
	for name, value := range state {
		list, isList := value.([]any)
		if name != "type" && (value == nil || value == "" || isList && len(list) == 0) {
			return true
		}
	}
	return false
}

// setValue puts one value into the state of a view. name is a block_id or an action_id.
func (s *Server) setValue(v *View, name string, value any) error {
	err := errors.New("the view has no such field")
	eachInput(v, func(b, e map[string]any) {
		block, action := stringField(b, "block_id"), stringField(e, "action_id")
		if name != block && name != action {
			return
		}
		var state map[string]any
		if state, err = s.newElementState(e, value); err == nil {
			state["type"] = e["type"]
			v.State[block][action] = state
		}
	})
	if err != nil {
		return fmt.Errorf("fill in %q: %w", name, err)
	}
	return nil
}

// newElementState returns the entry of state.values for an element with a value ("View state" on
// reference/interaction-payloads/view-interactions-payload).
func (s *Server) newElementState(e map[string]any, value any) (map[string]any, error) {
	text, isText := value.(string)
	list, _ := value.([]string)
	if isText {
		list = []string{text}
	}
	key := readSchemas().named[stringField(e, "type")].State
	state := map[string]any{key: value}
	switch key {
	case "value":
		if text == "" {
			state[key] = nil
		}
	case "selected_option":
		chosen, err := findOptions(e, []string{text})
		if err != nil {
			return nil, err
		}
		state[key] = chosen[0]
	case "selected_options":
		chosen, err := findOptions(e, list)
		if err != nil {
			return nil, err
		}
		state[key] = chosen
	case "selected_user":
		if s.users[text] == nil {
			return nil, fmt.Errorf("there is no user %v", value)
		}
	case "selected_users":
		users := []any{}
		for _, user := range list {
			users = append(users, user)
		}
		state[key] = users
	}
	return state, nil
}

// findOptions returns the options of an element with the given values or texts. An external menu takes any value, because
// its options come from the app.
func findOptions(e map[string]any, values []string) ([]any, error) {
	chosen := []any{}
	for _, value := range values {
		o := findOption(e, value)
		if isExternalSelect(e) {
			o = map[string]any{"text": answer{"type": "plain_text", "text": value, "emoji": true}, "value": value}
		}
		if o == nil {
			return nil, fmt.Errorf("there is no option %q", value)
		}
		chosen = append(chosen, o)
	}
	return chosen, nil
}

// applySubmitResponse applies the app's answer to a submission (surfaces/modals, "Updating views" and "Displaying
// errors"). It returns the errors that the app shows to the person.
func (s *Server) applySubmitResponse(user, viewID string, response []byte) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.findView(viewID)
	if v == nil {
		return nil, nil //nolint:nilnil // the app has closed the view meanwhile, so its answer has no effect
	}
	var reply struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if text := strings.TrimSpace(string(response)); text != "" {
		if err := json.Unmarshal(response, &reply); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
	}
	switch reply.Action {
	case "":
		if text := strings.TrimSpace(string(response)); text != "" && text != "{}" {
			return nil, errors.New("an answer without response_action must be empty")
		}
		s.closeView(v)
	case "clear":
		s.closeViews(user)
	case "errors":
		return reply.Errors, checkSubmitErrors(v, reply.Errors)
	case "update", "push":
		c := &call{Server: s, args: args{"view": string(reply.View)}}
		if problems := checkJSON("view", ruleOfModal(), reply.View); problems != nil {
			return nil, fmt.Errorf("check the view: %v", problems)
		}
		given, refused := c.readView(v.ID)
		switch {
		case refused != nil:
			return nil, fmt.Errorf("check the view: %s", refused.code())
		case reply.Action == "push":
			s.addView(user, v, given)
		default:
			s.setContent(v, given)
		}
	default:
		return nil, fmt.Errorf("response_action %q is unknown, want clear, errors, update or push", reply.Action)
	}
	return nil, nil //nolint:nilnil // the app shows no errors, and its answer is correct
}

// checkSubmitErrors checks the errors in the answer to a submission. Slack shows an error below an input block, so each has
// to name one.
func checkSubmitErrors(v *View, shown map[string]string) error {
	if len(shown) == 0 {
		return errors.New("errors is empty")
	}
	for id, text := range shown {
		named := false
		eachInput(v, func(b, _ map[string]any) {
			named = named || stringField(b, "block_id") == id && stringField(b, "type") == "input"
		})
		if !named || strings.TrimSpace(text) == "" {
			return fmt.Errorf("errors names %q, which is no input block or has an empty text", id)
		}
	}
	return nil
}

// CloseView lets a person close the modal in front, or with all the whole stack. The app gets a view_closed payload only if
// the view has notify_on_close; else the delivery is empty.
func (s *Server) CloseView(user, viewID string, all bool) Delivery {
	return s.deliver(func() (*envelope, error) {
		v, err := s.findModalInFront(user, viewID)
		if err != nil {
			return nil, fmt.Errorf("close view %s: %w", viewID, err)
		}
		all = all || v.ClearOnClose
		p := s.newInteraction("view_closed", user, v.ID)
		p.payload["view"], p.payload["is_cleared"] = s.encodeView(v), all
		if all {
			s.closeViews(user)
		} else {
			s.closeView(v)
		}
		if !v.NotifyOnClose {
			return nil, nil
		}
		return p, nil
	})
}

// Suggest lets a person type into a menu whose options come from the app
// (reference/interaction-payloads/block_suggestion-payload, and "external_select" on select-menu-element). The menu is
// given by block_id and action_id, because an action_id is unique only in its block. The values of the options in the
// app's answer are in the delivery.
func (s *Server) Suggest(user, viewID, blockID, actionID, typed string) Delivery {
	d := s.deliver(func() (*envelope, error) {
		v, searched := s.findView(viewID), false
		if v != nil && v.User == user {
			eachInput(v, func(b, e map[string]any) {
				if stringField(b, "block_id") == blockID && stringField(e, "action_id") == actionID {
					searched = isExternalSelect(e) && countCharacters(typed) >= numberField(e, "min_query_length", 3)
				}
			})
		}
		if !searched {
			return nil, fmt.Errorf("search in %q of block %q of view %s: no menu whose options come from the app, or too little typed", actionID, blockID, viewID)
		}
		p := s.newInteraction("block_suggestion", user, v.ID)
		p.payload["action_id"], p.payload["block_id"], p.payload["value"] = actionID, blockID, typed
		p.payload["view"], p.payload["container"] = s.encodeView(v), answer{"type": "view", "view_id": v.ID}
		return p, nil
	})
	if d.Err == nil {
		d.Options, d.Err = readSuggestions(d.Response)
		if d.Err != nil {
			s.recordFailure(Failure{d.Kind, d.Type, d.Err.Error(), d.Response})
		}
	}
	return d
}

// readSuggestions returns the values of the options in the app's answer to a search: at most 100, in "an object containing
// either an options array, or an option_groups array" ("external_select" on
// reference/block-kit/block-elements/select-menu-element). After an answer with neither Slack keeps showing the results of
// the search before (github.com/slackapi/bolt-python/issues/468), so it is an error here.
func readSuggestions(response []byte) ([]string, error) {
	if problems := checkJSON("options", rule{Format: "json", Type: "suggestions", Required: true}, response); problems != nil {
		return nil, fmt.Errorf("read the options: %s in %s", strings.Join(problems, "; "), response)
	}
	object, _ := decodeObject(response)
	options, _ := object["options"].([]any)
	var values []string
	for _, entry := range options {
		o, _ := entry.(map[string]any)
		values = append(values, stringField(o, "value"))
	}
	return values, nil
}
