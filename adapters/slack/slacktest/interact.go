package slacktest

import (
	"encoding/json"
	"fmt"
)

// person is how payloads name somebody (reference/interaction-payloads).
func (s *Server) person(user string) answer {
	u := s.users[user]
	return answer{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// interaction begins a payload: what all of reference/interaction-payloads have, with a fresh trigger.
func (s *Server) interaction(kind, user, view string) *parcel {
	trigger := s.newTrigger(user, view)
	return &parcel{kind: kindInteract, name: kind, trigger: trigger, accepts: accepts(kindInteract, kind), payload: answer{
		"type": kind, "token": "verification", "api_app_id": s.AppID, "trigger_id": trigger, "user": s.person(user),
		"team": answer{"id": s.TeamID, "domain": "tocsin-test"}, "enterprise": nil, "is_enterprise_install": false,
		"action_ts": s.timestamp(),
	}}
}

// withURL gives a payload its response URL.
func (s *Server) withURL(p *parcel, u responseURL) {
	p.response = s.newResponseURL(u)
	p.payload["response_url"] = p.response
}

func where(ch *Channel) answer {
	name := ch.Name
	if ch.Direct {
		name = "directmessage"
	} else if ch.Private {
		name = "privategroup"
	}
	return answer{"id": ch.ID, "name": name}
}

// Slash lets a person type a slash command in a channel (interactivity/implementing-slash-commands): command is
// "/incident", text what follows. What is answered at once is shown in the channel, to that person or to all.
func (s *Server) Slash(user, channel, command, text string) Delivery {
	s.mu.Lock()
	ch, u := s.find(channel), s.users[user]
	if ch == nil || u == nil || ch.Archived || (ch.Private || ch.Direct) && !ch.has(user) {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("type %s in %q: %s cannot write there", command, channel, user)}
	}
	trigger := s.newTrigger(user, "")
	place := where(ch)
	p := &parcel{kind: kindSlash, name: command, accepts: true, trigger: trigger, payload: answer{
		"token": "verification", "team_id": s.TeamID, "team_domain": "tocsin-test", "channel_id": ch.ID,
		"channel_name": place["name"], "user_id": user, "user_name": u.Name, "command": command, "text": text,
		"api_app_id": s.AppID, "is_enterprise_install": "false", "trigger_id": trigger,
	}}
	u2 := responseURL{user: user, channel: ch.ID}
	s.withURL(p, u2)
	s.mu.Unlock()
	d := s.send(p)
	if d.Err == nil && len(d.Response) > 0 && string(d.Response) != "{}" {
		if refused := s.respond(u2, d.Response); refused != nil {
			d.Err = fmt.Errorf("answer %s: %s in %s", command, refused.code(), d.Response)
			s.fail(Failure{d.Kind, d.Type, "invalid_command_response: " + refused.code(), d.Response})
		}
	}
	return d
}

// Click lets a person press the button of a message whose action_id, value or text is what is given.
func (s *Server) Click(user string, message Message, button string) Delivery {
	return s.use(user, message, button, "button")
}

// ChooseOverflow lets a person pick the option whose value or text is what is given, from an overflow menu or a select
// menu of a message.
func (s *Server) ChooseOverflow(user string, message Message, option string) Delivery {
	return s.use(user, message, option, "option")
}

func (s *Server) use(user string, message Message, wanted, what string) Delivery {
	s.mu.Lock()
	ch, m := s.find(message.Channel), s.message(message.Channel, message.TS)
	if ch == nil || m == nil || m.Deleted || s.users[user] == nil {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use message %s: it is gone", message.TS)}
	}
	blocks, action := s.action(m.Blocks, wanted, what)
	if action == nil {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use message %s: it has no %s %q", m.TS, what, wanted)}
	}
	p := s.interaction("block_actions", user, "")
	shown := s.show(m, true)
	shown["blocks"] = blocks
	p.payload["actions"] = []answer{action}
	p.payload["container"] = answer{"type": "message", "message_ts": m.TS, "channel_id": ch.ID, "is_ephemeral": false}
	p.payload["channel"], p.payload["message"], p.payload["state"] = where(ch), shown, answer{"values": answer{}}
	s.withURL(p, responseURL{user: user, channel: ch.ID, original: m.TS, thread: m.ThreadTS})
	s.mu.Unlock()
	return s.send(p)
}

// ClickEphemeral is Click for a message that only one person sees: its payload has no message
// (reference/interaction-payloads/block_actions-payload).
func (s *Server) ClickEphemeral(e Ephemeral, button string) Delivery {
	s.mu.Lock()
	ch := s.find(e.Channel)
	_, action := s.action(e.Blocks, button, "button")
	if action == nil {
		_, action = s.action(e.Blocks, button, "option")
	}
	if ch == nil || action == nil || s.ephemeral(e.TS) < 0 {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use an ephemeral message: it is gone, or has no %q", button)}
	}
	p := s.interaction("block_actions", e.User, "")
	p.payload["actions"] = []answer{action}
	p.payload["container"] = answer{"type": "message", "message_ts": e.TS, "channel_id": ch.ID, "is_ephemeral": true}
	p.payload["channel"], p.payload["state"] = where(ch), answer{"values": answer{}}
	s.withURL(p, responseURL{user: e.User, channel: ch.ID, original: e.TS, ephemeral: true, thread: e.ThreadTS})
	s.mu.Unlock()
	return s.send(p)
}

func (s *Server) ephemeral(ts string) int {
	for i, e := range s.ephemerals {
		if e.TS == ts {
			return i
		}
	}
	return -1
}

// ClickInView lets a person use a button, or an option of a menu, of a modal or a Home tab.
func (s *Server) ClickInView(user, viewID, wanted string) Delivery {
	s.mu.Lock()
	v := s.view(viewID)
	if v == nil || v.User != user {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use view %s: %s does not have it open", viewID, user)}
	}
	_, action := s.action(v.Blocks, wanted, "button")
	if action == nil {
		_, action = s.action(v.Blocks, wanted, "option")
	}
	if action == nil {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use view %s: it has no %q", viewID, wanted)}
	}
	p := s.interaction("block_actions", user, v.ID)
	p.payload["actions"] = []answer{action}
	p.payload["container"], p.payload["view"] = answer{"type": "view", "view_id": v.ID}, s.showView(v)
	s.mu.Unlock()
	return s.send(p)
}

// Shortcut lets a person use a global shortcut (interactivity/implementing-shortcuts): no channel, no response URL.
func (s *Server) Shortcut(user, callbackID string) Delivery {
	s.mu.Lock()
	if s.users[user] == nil {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use shortcut %s: there is no user %q", callbackID, user)}
	}
	p := s.interaction("shortcut", user, "")
	p.payload["callback_id"] = callbackID
	s.mu.Unlock()
	return s.send(p)
}

// MessageShortcut lets a person use a shortcut of a message's menu (interactivity/implementing-shortcuts).
func (s *Server) MessageShortcut(user, callbackID string, message Message) Delivery {
	s.mu.Lock()
	ch, m := s.find(message.Channel), s.message(message.Channel, message.TS)
	if ch == nil || m == nil || m.Deleted || s.users[user] == nil || !ch.has(user) {
		s.mu.Unlock()
		return Delivery{Err: fmt.Errorf("use shortcut %s: message %s is gone, or %q does not see it", callbackID, message.TS, user)}
	}
	p := s.interaction("message_action", user, "")
	p.payload["callback_id"], p.payload["message_ts"] = callbackID, m.TS
	p.payload["channel"], p.payload["message"] = where(ch), s.show(m, true)
	s.withURL(p, responseURL{user: user, channel: ch.ID, thread: m.ThreadTS})
	s.mu.Unlock()
	return s.send(p)
}

// action finds a button, or an option of a menu, and makes the entry of "actions" of it. The blocks come back with all
// IDs filled in.
func (s *Server) action(raw json.RawMessage, wanted, what string) (json.RawMessage, answer) {
	v, ok := parse(string(raw))
	if !ok {
		return nil, nil
	}
	whole := complete(v)
	blocks, _ := v.([]any)
	for _, entry := range blocks {
		b, _ := entry.(map[string]any)
		for _, e := range interactive(b) {
			a := answer{
				"type": e["type"], "action_id": e["action_id"], "block_id": b["block_id"], "action_ts": s.timestamp(),
			}
			if what == "button" && word(e, "type") == "button" && matches(e, wanted) {
				a["text"] = e["text"]
				if value := word(e, "value"); value != "" {
					a["value"] = value
				}
				return whole, a
			}
			if o := findOption(e, wanted); what == "option" && o != nil && word(e, "type") != "checkboxes" {
				a["selected_option"] = o
				return whole, a
			}
		}
	}
	return nil, nil
}

func matches(e map[string]any, wanted string) bool {
	return word(e, "action_id") == wanted || word(e, "value") == wanted || wordIn(e, "text") == wanted
}
