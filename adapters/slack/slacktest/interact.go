package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// person is how payloads name somebody (reference/interaction-payloads).
func (s *Server) person(user string) answer {
	u := s.users[user]
	return answer{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// interaction begins a payload: what all of reference/interaction-payloads have, with a fresh trigger unless that kind has
// none.
func (s *Server) interaction(kind, user, view string) *parcel {
	p := &parcel{kind: kindInteract, name: kind, accepts: accepts(kindInteract, kind), payload: answer{
		"type": kind, "token": "verification", "api_app_id": s.AppID, "user": s.person(user),
		"team": answer{"id": s.TeamID, "domain": "tocsin-test"}, "enterprise": nil, "is_enterprise_install": false,
		"action_ts": s.timestamp(),
	}}
	if kind != "view_closed" && kind != "block_suggestion" {
		p.trigger = s.newTrigger(user, view)
		p.payload["trigger_id"] = p.trigger
	}
	return p
}

// withURL gives a payload its response URL.
func (s *Server) withURL(p *parcel, u responseURL) *parcel {
	p.response = s.newResponseURL(u)
	p.payload["response_url"] = p.response
	return p
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

// deliver sends what a user does. prepare makes the payload, with the lock held, or says why it cannot be done; nil of both is
// something that the app is not told of.
func (s *Server) deliver(prepare func() (*parcel, error)) Delivery {
	s.mu.Lock()
	p, err := prepare()
	s.mu.Unlock()
	if err != nil || p == nil {
		return Delivery{Err: err}
	}
	return s.send(p)
}

// Slash lets a person type a slash command in a channel (interactivity/implementing-slash-commands): command is
// "/incident", text what follows. What is answered at once is shown in the channel, to that person or to all.
func (s *Server) Slash(user, channel, command, text string) Delivery {
	d := s.deliver(func() (*parcel, error) {
		ch, u := s.find(channel), s.users[user]
		if ch == nil || u == nil || ch.Archived || (ch.Private || ch.Direct) && !ch.has(user) {
			return nil, fmt.Errorf("type %s in %q: %s cannot write there", command, channel, user)
		}
		trigger := s.newTrigger(user, "")
		p := &parcel{kind: kindSlash, name: command, accepts: true, trigger: trigger, payload: answer{
			"token": "verification", "team_id": s.TeamID, "team_domain": "tocsin-test", "channel_id": ch.ID,
			"channel_name": where(ch)["name"], "user_id": user, "user_name": u.Name, "command": command, "text": text,
			"api_app_id": s.AppID, "is_enterprise_install": "false", "trigger_id": trigger,
		}}
		return s.withURL(p, responseURL{user: user, channel: ch.ID}), nil
	})
	if d.Err == nil && len(d.Response) > 0 && string(d.Response) != "{}" {
		if refused := s.respond(responseURL{user: user, channel: s.Channel(channel).ID}, d.Response); refused != nil {
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
	return s.deliver(func() (*parcel, error) {
		ch, m := s.find(message.Channel), s.message(message.Channel, message.TS)
		if ch == nil || m == nil || m.Deleted || s.users[user] == nil {
			return nil, fmt.Errorf("use message %s: it is gone", message.TS)
		}
		p, blocks, err := s.actions(user, "", m.Blocks, wanted, what)
		if err != nil {
			return nil, fmt.Errorf("use message %s: %w", m.TS, err)
		}
		shown := s.show(m, true)
		shown["blocks"] = blocks
		p.payload["container"] = answer{"type": "message", "message_ts": m.TS, "channel_id": ch.ID, "is_ephemeral": false}
		p.payload["channel"], p.payload["message"], p.payload["state"] = where(ch), shown, answer{"values": answer{}}
		return s.withURL(p, responseURL{user: user, channel: ch.ID, original: m.TS, thread: m.ThreadTS}), nil
	})
}

// ClickEphemeral is Click for a message that only one person sees: its payload has no message
// (reference/interaction-payloads/block_actions-payload).
func (s *Server) ClickEphemeral(e Ephemeral, button string) Delivery {
	return s.deliver(func() (*parcel, error) {
		p, _, err := s.actions(e.User, "", e.Blocks, button, "button", "option")
		ch := s.find(e.Channel)
		if err != nil || ch == nil || s.ephemeral(e.TS) < 0 {
			return nil, fmt.Errorf("use an ephemeral message: it is gone, or has no %q", button)
		}
		p.payload["container"] = answer{"type": "message", "message_ts": e.TS, "channel_id": ch.ID, "is_ephemeral": true}
		p.payload["channel"], p.payload["state"] = where(ch), answer{"values": answer{}}
		return s.withURL(p, responseURL{user: e.User, channel: ch.ID, original: e.TS, ephemeral: true, thread: e.ThreadTS}), nil
	})
}

func (s *Server) ephemeral(ts string) int {
	return slices.IndexFunc(s.ephemerals, func(e Ephemeral) bool { return e.TS == ts })
}

// ClickInView lets a person use a button, or an option of a menu, of a modal or a Home tab.
func (s *Server) ClickInView(user, viewID, wanted string) Delivery {
	return s.deliver(func() (*parcel, error) {
		v := s.view(viewID)
		if v == nil || v.User != user {
			return nil, fmt.Errorf("use view %s: %s does not have it open", viewID, user)
		}
		p, _, err := s.actions(user, v.ID, v.Blocks, wanted, "button", "option")
		if err != nil {
			return nil, fmt.Errorf("use view %s: %w", viewID, err)
		}
		p.payload["container"], p.payload["view"] = answer{"type": "view", "view_id": v.ID}, s.showView(v)
		return p, nil
	})
}

// Shortcut lets a person use a global shortcut (interactivity/implementing-shortcuts): no channel, no response URL.
func (s *Server) Shortcut(user, callbackID string) Delivery {
	return s.deliver(func() (*parcel, error) {
		if s.users[user] == nil {
			return nil, fmt.Errorf("use shortcut %s: there is no user %q", callbackID, user)
		}
		p := s.interaction("shortcut", user, "")
		p.payload["callback_id"] = callbackID
		return p, nil
	})
}

// MessageShortcut lets a person use a shortcut of a message's menu (interactivity/implementing-shortcuts).
func (s *Server) MessageShortcut(user, callbackID string, message Message) Delivery {
	return s.deliver(func() (*parcel, error) {
		ch, m := s.find(message.Channel), s.message(message.Channel, message.TS)
		if ch == nil || m == nil || m.Deleted || s.users[user] == nil || !ch.has(user) {
			return nil, fmt.Errorf("use shortcut %s: message %s is gone, or %q does not see it", callbackID, message.TS, user)
		}
		p := s.interaction("message_action", user, "")
		p.payload["callback_id"], p.payload["message_ts"] = callbackID, m.TS
		p.payload["channel"], p.payload["message"] = where(ch), s.show(m, true)
		return s.withURL(p, responseURL{user: user, channel: ch.ID, thread: m.ThreadTS}), nil
	})
}

// actions makes the payload of a user who uses a button, or an option of a menu: what is looked for in turn. The blocks
// come back with all IDs filled in.
func (s *Server) actions(user, view string, raw json.RawMessage, wanted string, what ...string) (*parcel, json.RawMessage, error) {
	v, _ := parse(string(raw))
	whole := complete(v)
	for _, w := range what {
		var found answer
		eachElement(v, func(b, e map[string]any) {
			option := findOption(e, wanted)
			a := answer{"type": e["type"], "action_id": e["action_id"], "block_id": b["block_id"]}
			switch kind := word(e, "type"); {
			case found != nil:
				return
			case w == "button" && kind == "button" && matches(e, wanted):
				a["text"] = e["text"]
				if value := word(e, "value"); value != "" {
					a["value"] = value
				}
			case w == "option" && option != nil && kind != "checkboxes":
				a["selected_option"] = option
			default:
				return
			}
			found = a
		})
		if found != nil {
			found["action_ts"] = s.timestamp()
			p := s.interaction("block_actions", user, view)
			p.payload["actions"] = []answer{found}
			return p, whole, nil
		}
	}
	return nil, nil, fmt.Errorf("there is no %s %q", strings.Join(what, " or "), wanted)
}

func matches(e map[string]any, wanted string) bool {
	return word(e, "action_id") == wanted || word(e, "value") == wanted || wordIn(e, "text") == wanted
}
