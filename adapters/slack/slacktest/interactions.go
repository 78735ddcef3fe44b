package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// encodeUserReference returns a user as payloads of interactions have them (reference/interaction-payloads).
func (s *Server) encodeUserReference(user string) answer {
	u := s.users[user]
	return answer{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// newInteraction returns an envelope with the fields that all of reference/interaction-payloads have, with a new trigger
// unless payloads of that kind have none. view is the ID of the view that it happens in.
func (s *Server) newInteraction(kind, user, view string) *envelope {
	p := &envelope{kind: kindInteraction, name: kind, accepts: acceptsResponse(kindInteraction, kind), payload: answer{
		"type": kind, "token": "verification", "api_app_id": s.AppID, "user": s.encodeUserReference(user),
		"team": answer{"id": s.TeamID, "domain": "tocsin-test"}, "enterprise": nil, "is_enterprise_install": false,
		"action_ts": s.newTimestamp(),
	}}
	if kind != "view_closed" && kind != "block_suggestion" {
		p.trigger = s.addTrigger(user, view)
		p.payload["trigger_id"] = p.trigger
	}
	return p
}

// addResponseURL adds a new response URL to a payload.
func (s *Server) addResponseURL(p *envelope, u responseURL) *envelope {
	p.response = s.newResponseURL(u)
	p.payload["response_url"] = p.response
	return p
}

// encodeChannelReference returns a conversation as payloads of interactions have it.
func encodeChannelReference(ch *Channel) answer {
	name := ch.Name
	if ch.Direct {
		name = "directmessage"
	} else if ch.Private {
		name = "privategroup"
	}
	return answer{"id": ch.ID, "name": name}
}

// deliver sends the payload of something that a user does. prepare does it, with the lock held, and returns the payload or
// says why it cannot be done; it returns nil and no error if the app gets no payload.
func (s *Server) deliver(prepare func() (*envelope, error)) Delivery {
	p, err := s.prepareLocked(prepare)
	if err != nil || p == nil {
		return Delivery{Err: err}
	}
	return s.send(p)
}

// prepareLocked calls prepare with the lock held, and releases the lock even if prepare panics.
func (s *Server) prepareLocked(prepare func() (*envelope, error)) (*envelope, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return prepare()
}

// Slash lets a person type a slash command in a channel (interactivity/implementing-slash-commands). command is such as
// "/incident", text is what follows it. A message in the app's answer is shown in the channel, to that person or to all.
func (s *Server) Slash(user, channel, command, text string) Delivery {
	d := s.deliver(func() (*envelope, error) {
		ch, u := s.findChannel(channel), s.users[user]
		if ch == nil || u == nil || ch.Archived || (ch.Private || ch.Direct) && !ch.hasMember(user) {
			return nil, fmt.Errorf("type %s in %q: %s cannot write there", command, channel, user)
		}
		trigger := s.addTrigger(user, "")
		p := &envelope{kind: kindSlash, name: command, accepts: true, trigger: trigger, payload: answer{
			"token": "verification", "team_id": s.TeamID, "team_domain": "tocsin-test", "channel_id": ch.ID,
			"channel_name": encodeChannelReference(ch)["name"], "user_id": user, "user_name": u.Name, "command": command, "text": text,
			"api_app_id": s.AppID, "is_enterprise_install": "false", "trigger_id": trigger,
		}}
		return s.addResponseURL(p, responseURL{user: user, channel: ch.ID}), nil
	})
	if d.Err == nil && len(d.Response) > 0 && string(d.Response) != "{}" {
		if refused := s.applyResponse(responseURL{user: user, channel: s.Channel(channel).ID}, d.Response); refused != nil {
			d.Err = fmt.Errorf("answer %s: %s in %s", command, refused.code(), d.Response)
			s.recordFailure(Failure{d.Kind, d.Type, "invalid_command_response: " + refused.code(), d.Response})
		}
	}
	return d
}

// Click lets a person press a button of a message. button is its action_id, value or text.
func (s *Server) Click(user string, message Message, button string) Delivery {
	return s.useElement(user, message, button, "button")
}

// ChooseOverflow lets a person pick an option from an overflow menu or a select menu of a message. option is its value or
// text.
func (s *Server) ChooseOverflow(user string, message Message, option string) Delivery {
	return s.useElement(user, message, option, "option")
}

// useElement delivers the use of an element of a message. kind is button or option.
func (s *Server) useElement(user string, message Message, wanted, kind string) Delivery {
	return s.deliver(func() (*envelope, error) {
		ch, m := s.findChannel(message.Channel), s.findMessage(message.Channel, message.TS)
		if ch == nil || m == nil || m.Deleted || s.users[user] == nil {
			return nil, fmt.Errorf("use message %s: it does not exist", message.TS)
		}
		p, blocks, err := s.newBlockActions(user, "", m.Blocks, wanted, kind)
		if err != nil {
			return nil, fmt.Errorf("use message %s: %w", m.TS, err)
		}
		encoded := s.encodeMessage(m, true)
		encoded["blocks"] = blocks
		p.payload["container"] = answer{"type": "message", "message_ts": m.TS, "channel_id": ch.ID, "is_ephemeral": false}
		p.payload["channel"], p.payload["message"], p.payload["state"] = encodeChannelReference(ch), encoded, answer{"values": answer{}}
		return s.addResponseURL(p, responseURL{user: user, channel: ch.ID, original: m.TS, thread: m.ThreadTS}), nil
	})
}

// ClickEphemeral is Click, or ChooseOverflow, for a message that only one person sees. Its payload has no message
// (reference/interaction-payloads/block_actions-payload).
func (s *Server) ClickEphemeral(e Ephemeral, button string) Delivery {
	return s.deliver(func() (*envelope, error) {
		p, _, err := s.newBlockActions(e.User, "", e.Blocks, button, "button", "option")
		ch := s.findChannel(e.Channel)
		if err != nil || ch == nil || s.indexOfEphemeral(e.TS) < 0 {
			return nil, fmt.Errorf("use ephemeral message %s: it does not exist, or has no %q", e.TS, button)
		}
		p.payload["container"] = answer{"type": "message", "message_ts": e.TS, "channel_id": ch.ID, "is_ephemeral": true}
		p.payload["channel"], p.payload["state"] = encodeChannelReference(ch), answer{"values": answer{}}
		return s.addResponseURL(p, responseURL{user: e.User, channel: ch.ID, original: e.TS, ephemeral: true, thread: e.ThreadTS}), nil
	})
}

// indexOfEphemeral returns the index of an ephemeral message; -1 if there is none.
func (s *Server) indexOfEphemeral(ts string) int {
	return slices.IndexFunc(s.ephemerals, func(e Ephemeral) bool { return e.TS == ts })
}

// ClickInView lets a person press a button, or pick an option of a menu, in a modal or a Home tab. wanted is as in Click and
// ChooseOverflow.
func (s *Server) ClickInView(user, viewID, wanted string) Delivery {
	return s.deliver(func() (*envelope, error) {
		v := s.findView(viewID)
		if v == nil || v.User != user {
			return nil, fmt.Errorf("use view %s: %s does not have it open", viewID, user)
		}
		p, _, err := s.newBlockActions(user, v.ID, v.Blocks, wanted, "button", "option")
		if err != nil {
			return nil, fmt.Errorf("use view %s: %w", viewID, err)
		}
		p.payload["container"], p.payload["view"] = answer{"type": "view", "view_id": v.ID}, s.encodeView(v)
		return p, nil
	})
}

// Shortcut lets a person use a global shortcut (interactivity/implementing-shortcuts). Its payload has neither a channel nor
// a response URL.
func (s *Server) Shortcut(user, callbackID string) Delivery {
	return s.deliver(func() (*envelope, error) {
		if s.users[user] == nil {
			return nil, fmt.Errorf("use shortcut %s: there is no user %q", callbackID, user)
		}
		p := s.newInteraction("shortcut", user, "")
		p.payload["callback_id"] = callbackID
		return p, nil
	})
}

// MessageShortcut lets a person use a shortcut in the menu of a message (interactivity/implementing-shortcuts).
func (s *Server) MessageShortcut(user, callbackID string, message Message) Delivery {
	return s.deliver(func() (*envelope, error) {
		ch, m := s.findChannel(message.Channel), s.findMessage(message.Channel, message.TS)
		if ch == nil || m == nil || m.Deleted || s.users[user] == nil || !ch.hasMember(user) {
			return nil, fmt.Errorf("use shortcut %s: message %s does not exist, or %q does not see it", callbackID, message.TS, user)
		}
		p := s.newInteraction("message_action", user, "")
		p.payload["callback_id"], p.payload["message_ts"] = callbackID, m.TS
		p.payload["channel"], p.payload["message"] = encodeChannelReference(ch), s.encodeMessage(m, true)
		return s.addResponseURL(p, responseURL{user: user, channel: ch.ID, thread: m.ThreadTS}), nil
	})
}

// newBlockActions returns the payload of a user who presses a button or picks an option. kinds are button, option or both, in
// the order in which they are searched. It also returns the blocks with all IDs filled in.
func (s *Server) newBlockActions(user, view string, raw json.RawMessage, wanted string, kinds ...string) (*envelope, json.RawMessage, error) {
	v, _ := parseJSON(string(raw))
	blocks := fillIDs(v)
	for _, searched := range kinds {
		var found answer
		eachElement(v, func(b, e map[string]any) {
			option := findOption(e, wanted)
			a := answer{"type": e["type"], "action_id": e["action_id"], "block_id": b["block_id"]}
			switch kind := stringField(e, "type"); {
			case found != nil:
				return
			case searched == "button" && kind == "button" && isButtonNamed(e, wanted):
				a["text"] = e["text"]
				if value := stringField(e, "value"); value != "" {
					a["value"] = value
				}
			case searched == "option" && option != nil && kind != "checkboxes":
				a["selected_option"] = option
			default:
				return
			}
			found = a
		})
		if found != nil {
			found["action_ts"] = s.newTimestamp()
			p := s.newInteraction("block_actions", user, view)
			p.payload["actions"] = []answer{found}
			return p, blocks, nil
		}
	}
	return nil, nil, fmt.Errorf("there is no %s %q", strings.Join(kinds, " or "), wanted)
}

// isButtonNamed reports whether an element has the action_id, value or text.
func isButtonNamed(e map[string]any, wanted string) bool {
	return stringField(e, "action_id") == wanted || stringField(e, "value") == wanted || textField(e, "text") == wanted
}
