package slacktest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxRetries is how often an event is sent again: at once, after one minute, after five (apis/events-api, "Retries").
const maxRetries = 3

// eventSubscription is the name by which an app subscribes to an event, and the scope that it needs.
type eventSubscription struct{ Name, Scope string }

// AllEvents returns the event types that the server can send, by their names in an app's manifest.
func AllEvents() []string {
	var all []string
	for _, e := range readMethods().Events {
		for _, s := range []eventSubscription{e.Public, e.Private, e.Direct} {
			if s.Name != "" {
				all = append(all, s.Name)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// newEvent returns an event to deliver; nil if the app does not get it. The app has to be subscribed, to have the scope,
// and to be in the channel.
func (s *Server) newEvent(ch *Channel, name string, fields answer) *envelope {
	subscription := readMethods().Events[name].forChannel(ch)
	allowed := subscription.Scope == "" || slices.Contains(s.options.Scopes, subscription.Scope)
	if !allowed || !slices.Contains(s.options.Events, subscription.Name) || !ch.hasMember(s.BotUser) {
		return nil
	}
	event := maps.Clone(fields)
	event["type"], event["event_ts"] = name, s.newTimestamp()
	if subscription.Name == "group_archive" {
		event["type"] = subscription.Name
	}
	if name == "message" {
		event["channel"], event["channel_type"] = ch.ID, "channel"
		if ch.Direct {
			event["channel_type"] = "im"
		} else if ch.Private {
			event["channel_type"] = "group"
		}
	}
	id := s.newID("Ev")
	// The wrapper of every event: apis/events-api, "Callback field".
	return &envelope{kind: kindEvent, name: name, event: id, payload: answer{
		"token": "verification", "team_id": s.TeamID, "context_team_id": s.TeamID, "api_app_id": s.AppID,
		"type": "event_callback", "event": event, "event_id": id, "event_time": s.now().Unix(),
		"is_ext_shared_channel": false, "event_context": "4-" + id,
		"authorizations": []answer{{
			"enterprise_id": nil, "team_id": s.TeamID, "user_id": s.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}}
}

// emit delivers an event in the background, if the app gets it. The lock is held.
func (s *Server) emit(ch *Channel, name string, fields answer) {
	if p := s.newEvent(ch, name, fields); p != nil {
		s.runInBackground(func() { s.sendEvent(p) })
	}
}

// runInBackground runs a function in a goroutine that Close waits for; not once the server is closed. The lock is held, so
// that Close cannot miss the goroutine.
func (s *Server) runInBackground(run func()) {
	select {
	case <-s.done:
	default:
		s.serving.Go(run)
	}
}

// sendEvent delivers an event, once more at once if that fails, and queues it for RetryEvents if that fails too.
func (s *Server) sendEvent(p *envelope) Delivery {
	d := s.send(p)
	if d.Err != nil && !d.noRetry {
		p.attempt, p.reason = 1, retryReason(d)
		d = s.send(p)
	}
	s.queueRetry(p, d)
	return d
}

// retryReason returns the value of X-Slack-Retry-Reason (apis/events-api, "Retries"), or of retry_reason on a socket.
func retryReason(d Delivery) string {
	switch {
	case d.Socket > 0:
		return "timeout"
	case errors.Is(d.Err, errTimeout):
		return "http_timeout"
	case d.Status != 0:
		return "http_error"
	default:
		return "connection_failed"
	}
}

// queueRetry queues an event whose delivery failed for RetryEvents, unless the app has forbidden that with
// X-Slack-No-Retry. After the last retry the event becomes a Failure.
func (s *Server) queueRetry(p *envelope, d Delivery) {
	if d.Err == nil || d.noRetry {
		return
	}
	p.reason = retryReason(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.attempt >= maxRetries {
		s.failures = append(s.failures, Failure{p.kind, p.name, reasonOf(d.Err), d.Payload})
		return
	}
	s.retryQueue = append(s.retryQueue, p)
}

// RetryEvents delivers every event that was not acknowledged once more, as Slack does after one and five minutes. After the
// third retry the event is given up and becomes one of the Failures.
func (s *Server) RetryEvents() []Delivery {
	var all []Delivery
	for _, p := range s.takeRetryQueue() {
		p.attempt++
		d := s.send(p)
		s.queueRetry(p, d)
		all = append(all, d)
	}
	return all
}

// takeRetryQueue empties the queue of events that have to be sent again, and returns them.
func (s *Server) takeRetryQueue() []*envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.retryQueue
	s.retryQueue = nil
	return due
}

// Archive lets a person archive a channel. The app leaves it (reference/events/channel_archive).
func (s *Server) Archive(user, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.findChannel(channel); ch != nil && !ch.Archived {
		s.archive(ch, user)
	}
}

// Unarchive lets a person unarchive a channel. The app is not a member of it.
func (s *Server) Unarchive(user, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.findChannel(channel); ch != nil && ch.Archived {
		s.unarchive(ch, user)
	}
}

// Rename lets a person rename a channel. The name must be free.
func (s *Server) Rename(channel, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.findChannel(channel); ch != nil && !s.isNameTaken(name) {
		ch.PreviousNames = append([]string{ch.Name}, ch.PreviousNames...)
		ch.Name = name
	}
}

// MakePrivate lets a person make a public channel private.
func (s *Server) MakePrivate(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.findChannel(channel); ch != nil {
		ch.Private = true
	}
}

// personEvent is what a person did to a message, as the event that the app may get.
type personEvent struct {
	channel *Channel
	message *Message
	name    string
	fields  answer
}

// deliverEvent delivers what a person does as an event, and waits for the acknowledgement. act does it, with the lock
// held, or says why it cannot be done.
func (s *Server) deliverEvent(act func() (personEvent, error)) Delivery {
	p, message, err := s.actLocked(act)
	switch {
	case err != nil:
		return Delivery{Err: err}
	case p == nil:
		return Delivery{Message: message, Err: errors.New("deliver the event: the app does not get it in this channel")}
	}
	d := s.sendEvent(p)
	d.Message = message
	return d
}

// actLocked calls act with the lock held, and releases the lock even if act panics. It returns a copy of the message, and
// nil instead of an envelope if the app does not get the event.
func (s *Server) actLocked(act func() (personEvent, error)) (*envelope, Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := act()
	if err != nil {
		return nil, Message{}, err
	}
	return s.newEvent(e.channel, e.name, e.fields), e.message.copy(), nil
}

// Say lets a person write into a channel, into a thread if threadTS is given. The delivery is that of the message event;
// its Message is set even if the app does not get the event.
func (s *Server) Say(user, channel, text, threadTS string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		ch := s.findChannel(channel)
		noParent := threadTS != "" && ch != nil && s.findMessage(ch.ID, threadTS) == nil
		if ch == nil || !ch.hasMember(user) || ch.Archived || noParent {
			return personEvent{}, fmt.Errorf("say something in %q: %s cannot write there", channel, user)
		}
		m := &Message{User: user, Text: normalize(text), ThreadTS: threadTS, Channel: ch.ID, TS: s.newTimestamp()}
		s.messages = append(s.messages, m)
		return personEvent{ch, m, "message", s.encodeMessage(m, true)}, nil
	})
}

// Mention is Say with the app's name in front: the app gets a message event and an app_mention event
// (reference/events/app_mention). The delivery is that of the mention.
func (s *Server) Mention(user, channel, text, threadTS string) Delivery {
	d := s.Say(user, channel, "<@"+s.BotUser+"> "+text, threadTS)
	if d.Message.TS == "" {
		return d
	}
	return s.deliverEvent(func() (personEvent, error) {
		ch, m := s.findChannel(channel), s.findMessage(d.Message.Channel, d.Message.TS)
		fields := s.encodeMessage(m, false)
		fields["channel"] = ch.ID
		return personEvent{ch, m, "app_mention", fields}, nil
	})
}

// Edit lets a person change a message of their own (reference/events/message/message_changed).
func (s *Server) Edit(user, channel, ts, text string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		ch, m, err := s.findOwnMessage(user, channel, ts)
		if err != nil {
			return personEvent{}, err
		}
		before := s.encodeMessage(m, true)
		m.Text, m.Edited, m.Edits = normalize(text), true, m.Edits+1
		fields := s.newChangeEvent(m)
		fields["previous_message"] = before
		return personEvent{ch, m, "message", fields}, nil
	})
}

// Delete lets a person delete a message of their own (reference/events/message/message_deleted).
func (s *Server) Delete(user, channel, ts string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		ch, m, err := s.findOwnMessage(user, channel, ts)
		if err != nil {
			return personEvent{}, err
		}
		before := s.encodeMessage(m, true)
		m.Deleted, m.Pinned = true, false
		return personEvent{ch, m, "message", newDeletionEvent(m, before, s.newTimestamp())}, nil
	})
}

// newDeletionEvent returns the fields of reference/events/message/message_deleted.
func newDeletionEvent(m *Message, before answer, at string) answer {
	return answer{
		"subtype": "message_deleted", "hidden": true, "ts": at, "deleted_ts": m.TS, "previous_message": before,
	}
}

// findOwnMessage finds a message that a person wrote and has not deleted.
func (s *Server) findOwnMessage(user, channel, ts string) (*Channel, *Message, error) {
	ch, m := s.findVisibleMessage(channel, ts)
	if m == nil || m.User != user {
		return nil, nil, fmt.Errorf("change message %s in %q: %s wrote no such message there", ts, channel, user)
	}
	return ch, m, nil
}

// findVisibleMessage finds a message that is not deleted, by the ID or name of its channel; nil if there is none.
func (s *Server) findVisibleMessage(channel, ts string) (*Channel, *Message) {
	ch := s.findChannel(channel)
	if ch == nil {
		return nil, nil
	}
	m := s.findMessage(ch.ID, ts)
	if m == nil || m.Deleted {
		return ch, nil
	}
	return ch, m
}

// React lets a person put an emoji (its name without colons) on a message (reference/events/reaction_added).
func (s *Server) React(user, channel, ts, emoji string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		ch, m := s.findVisibleMessage(channel, ts)
		switch {
		case m == nil:
			return personEvent{}, fmt.Errorf("react to message %s in %q: there is none", ts, channel)
		case slices.Contains(m.Reactions[emoji], user):
			return personEvent{}, fmt.Errorf("react to message %s with %s: %s already does", ts, emoji, user)
		}
		m.addReaction(user, emoji)
		return personEvent{ch, m, "reaction_added", s.newReactionEvent(m, user, emoji)}, nil
	})
}

// Unreact lets a person take their emoji off a message again (reference/events/reaction_removed).
func (s *Server) Unreact(user, channel, ts, emoji string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		ch, m := s.findVisibleMessage(channel, ts)
		switch {
		case m == nil:
			return personEvent{}, fmt.Errorf("take %s off message %s in %q: there is no such message", emoji, ts, channel)
		case !slices.Contains(m.Reactions[emoji], user):
			return personEvent{}, fmt.Errorf("take %s off message %s: %s has not put it there", emoji, ts, user)
		}
		m.Reactions[emoji] = slices.DeleteFunc(slices.Clone(m.Reactions[emoji]), func(u string) bool { return u == user })
		if len(m.Reactions[emoji]) == 0 {
			delete(m.Reactions, emoji)
		}
		return personEvent{ch, m, "reaction_removed", s.newReactionEvent(m, user, emoji)}, nil
	})
}

// OpenHome lets a person open the app's Home tab (reference/events/app_home_opened).
func (s *Server) OpenHome(user string) Delivery {
	return s.deliverEvent(func() (personEvent, error) {
		c := &call{Server: s, user: s.BotUser}
		ch, _, refused := c.openDirectMessage(user)
		if refused != nil {
			return personEvent{}, fmt.Errorf("open the Home tab of %s: %s", user, refused.code())
		}
		fields := answer{"user": user, "channel": ch.ID, "tab": "home"}
		if v := s.findHomeTab(user); v != nil {
			fields["view"] = s.encodeView(v)
		}
		return personEvent{ch, &Message{}, "app_home_opened", fields}, nil
	})
}
