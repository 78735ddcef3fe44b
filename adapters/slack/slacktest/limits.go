package slacktest

import "time"

const (
	limitWindow = time.Minute // the window of the rate limits of methods
	// chat.postMessage "generally allows posting one message per second per channel"; "short bursts >1 allowed"
	// (apis/web-api/rate-limits): two posts are the shortest burst.
	postBurst = 2
)

// limits holds the times of the calls that were allowed, by method, and the state of the limit of posts, by channel.
type limits map[string][]time.Time

// reserve allows a call, or returns how long to wait. Calls that are refused do not count.
func (l limits) reserve(key string, perMinute int, now time.Time) (wait time.Duration) {
	past := l[key]
	for len(past) > 0 && now.Sub(past[0]) >= limitWindow {
		past = past[1:]
	}
	if len(past) >= perMinute {
		l[key] = past
		return past[0].Add(limitWindow).Sub(now)
	}
	l[key] = append(past, now)
	return 0
}

// reservePost allows a post in a channel, or returns how long to wait. Each channel has a token bucket of postBurst posts,
// which gets one back each second. Its only entry is the time at which the bucket will be full again.
func (l limits) reservePost(channel string, now time.Time) (wait time.Duration) {
	key := "post " + channel
	full := now
	if past := l[key]; len(past) > 0 && past[0].After(now) {
		full = past[0]
	}
	if ahead := full.Sub(now); ahead > (postBurst-1)*time.Second {
		return ahead - (postBurst-1)*time.Second
	}
	l[key] = []time.Time{full.Add(time.Second)}
	return 0
}
