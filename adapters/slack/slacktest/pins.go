package slacktest

// maxPins is how many messages of a channel can be pinned (slack.com/help/articles/205239997, and too_many_pins on
// reference/methods/pins.add).
const maxPins = 100

// addPin handles pins.add.
func addPin(c *call) answer {
	pinned := 0
	for _, other := range c.messages {
		if other.Channel == c.ch.ID && other.Pinned {
			pinned++
		}
	}
	if pinned >= maxPins {
		return refuse("too_many_pins")
	}
	c.m.Pinned = true
	return nil
}

// removePin handles pins.remove.
func removePin(c *call) answer {
	c.m.Pinned = false
	return nil
}
