package slacktest

import "slices"

// isNameTaken reports whether a channel has the name. Private and archived channels count: an archived channel keeps its
// name (slack.com/help/articles/213185307, and name_taken on reference/methods/conversations.create).
func (w *workspace) isNameTaken(name string) bool {
	return slices.ContainsFunc(w.channels, func(c *Channel) bool { return c.Name == name })
}

// createChannel handles conversations.create. The creator becomes a member.
func createChannel(c *call) answer {
	ch := &Channel{Name: c.args["name"], Private: c.args.boolean("is_private"), Creator: c.user, Members: []string{c.user}}
	f := readMethods().Methods[c.method].scopesByKind(c.kind)
	if refused := c.requireScope(f.forChannel(ch)...); refused != nil {
		return refused
	}
	if c.isNameTaken(ch.Name) {
		return refuse("name_taken")
	}
	ch.ID, ch.Created = c.newID("C"), c.now()
	c.channels = append(c.channels, ch)
	c.addSystemMessage(ch, c.user, "channel_join", "<@"+c.user+"> has joined the channel")
	return answer{"channel": c.encodeChannel(ch)}
}

// archiveChannel handles conversations.archive.
func archiveChannel(c *call) answer {
	c.archive(c.ch, c.user)
	return nil
}

// archive archives a channel. The app's user leaves it, so that the app cannot find a private channel any more.
func (s *Server) archive(ch *Channel, user string) {
	s.addSystemMessage(ch, user, "channel_archive", "archived the channel")
	s.emit(ch, "channel_archive", answer{"channel": ch.ID, "user": user})
	ch.Archived = true
	ch.Members = slices.DeleteFunc(ch.Members, func(m string) bool { return m == s.BotUser })
}

// unarchiveChannel handles conversations.unarchive.
func unarchiveChannel(c *call) answer {
	c.unarchive(c.ch, c.user)
	return nil
}

// unarchive unarchives a channel. Only the calling user becomes a member (reference/methods/conversations.unarchive).
func (s *Server) unarchive(ch *Channel, user string) {
	ch.Archived = false
	s.addSystemMessage(ch, user, "channel_unarchive", "un-archived the channel")
	if !ch.hasMember(user) {
		ch.Members = append(ch.Members, user)
	}
}

// renameChannel handles conversations.rename.
func renameChannel(c *call) answer {
	name := c.args["name"]
	if name != c.ch.Name && c.isNameTaken(name) {
		return refuse("name_taken")
	}
	c.ch.PreviousNames = append([]string{c.ch.Name}, c.ch.PreviousNames...)
	c.ch.Name = name
	c.addSystemMessage(c.ch, c.user, "channel_name", "renamed the channel to \""+name+"\"")
	return answer{"channel": c.encodeChannel(c.ch)}
}

// setTopic handles conversations.setTopic.
func setTopic(c *call) answer {
	c.ch.Topic = unescape(c.args["topic"])
	c.addSystemMessage(c.ch, c.user, "channel_topic", "set the channel topic: "+escape(c.ch.Topic))
	return answer{"channel": c.encodeChannel(c.ch)}
}

// setPurpose handles conversations.setPurpose.
func setPurpose(c *call) answer {
	c.ch.Purpose = unescape(c.args["purpose"])
	c.addSystemMessage(c.ch, c.user, "channel_purpose", "set the channel purpose: "+escape(c.ch.Purpose))
	return answer{"channel": c.encodeChannel(c.ch)}
}

// joinChannel handles conversations.join.
func joinChannel(c *call) answer {
	a := answer{}
	if c.ch.hasMember(c.user) {
		a["warning"] = "already_in_channel"
	} else {
		c.addMember(c.ch, c.user, "")
	}
	a["channel"] = c.encodeChannel(c.ch)
	return a
}

// inviteUsers handles conversations.invite. If one user cannot be invited, none is, unless force is set: then the others are
// invited, and the answer lists the errors all the same (reference/methods/conversations.invite).
func inviteUsers(c *call) answer {
	var failed []answer
	var valid []string
	for _, id := range c.args.list("users") {
		if code := c.findInviteError(c.ch, id); code != "" {
			failed = append(failed, answer{"user": id, "ok": false, "error": code})
		} else if !slices.Contains(valid, id) {
			valid = append(valid, id)
		}
	}
	if len(failed) > 0 && (!c.args.boolean("force") || len(valid) == 0) {
		return answer{"ok": false, "error": failed[0].code(), "errors": failed}
	}
	for _, id := range valid {
		c.addMember(c.ch, id, c.user)
	}
	a := answer{"channel": c.encodeChannel(c.ch)}
	if len(failed) > 0 {
		a["errors"] = failed
	}
	return a
}

// findInviteError returns the error code for a user who cannot be invited; empty for one who can.
func (c *call) findInviteError(ch *Channel, id string) string {
	u := c.users[id]
	switch {
	case u == nil:
		return "user_not_found"
	case id == c.user:
		return "cant_invite_self"
	case u.Deleted:
		return "cant_invite"
	case ch.hasMember(id):
		return "already_in_channel"
	case u.Stranger:
		return "no_external_invite_permission"
	case u.Restricted:
		return "user_is_restricted"
	}
	return ""
}

// addMember makes a user a member of a channel, adds Slack's message about it and sends the app its event
// (reference/events/member_joined_channel).
func (s *Server) addMember(ch *Channel, user, inviter string) {
	ch.Members = append(ch.Members, user)
	s.addSystemMessage(ch, user, "channel_join", "<@"+user+"> has joined the channel")
	event := answer{"user": user, "channel": ch.ID, "channel_type": "C", "team": s.TeamID}
	if ch.Private {
		event["channel_type"] = "G"
	}
	if inviter != "" {
		event["inviter"] = inviter
	}
	s.emit(ch, "member_joined_channel", event)
}

// openDirect handles conversations.open for the direct message with one person. One with several people is refused.
func openDirect(c *call) answer {
	if c.args["users"] == "" {
		ch, refused := c.findConversation(c.args["channel"])
		switch {
		case refused != nil:
			return refused
		case !ch.Direct:
			return refuse("method_not_supported_for_channel_type")
		}
		return answer{"channel": answer{"id": ch.ID}, "no_op": true, "already_open": true}
	}
	if refused := c.requireScope("im:write"); refused != nil {
		return refused
	}
	ch, isNew, refused := c.openDirectMessage(c.args.list("users")[0])
	if refused != nil {
		return refused
	}
	a := answer{"channel": answer{"id": ch.ID}}
	if c.args.boolean("return_im") {
		a["channel"] = c.encodeChannel(ch)
	}
	if !isNew {
		a["no_op"], a["already_open"] = true, true
	}
	return a
}

// openDirectMessage finds or creates the direct message between the token's user and a person.
func (c *call) openDirectMessage(user string) (ch *Channel, isNew bool, refused answer) {
	u := c.users[user]
	switch {
	case u == nil, u.ID == c.user, u.Bot: // no direct message between bots: cannot_dm_bot on chat.postMessage
		return nil, false, refuse("user_not_found")
	case u.Deleted:
		return nil, false, refuse("user_disabled")
	}
	for _, ch := range c.channels {
		if ch.Direct && ch.hasMember(user) && ch.hasMember(c.user) {
			return ch, false, nil
		}
	}
	ch = &Channel{ID: c.newID("D"), Direct: true, Created: c.now(), Members: []string{c.user, user}}
	c.channels = append(c.channels, ch)
	return ch, true, nil
}
