package slacktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tocsin/adapters/slack/slacktest"
)

// A test makes a workspace, lets the code at hand talk to it, and looks at what people would see.
func Example() {
	s := slacktest.New(slacktest.Options{})
	defer s.Close()
	ana := s.AddUser(slacktest.User{Name: "ana"})
	room := s.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{ana, s.BotUser}})

	// The application gets s.URL(), s.BotToken, s.AppToken and s.SigningSecret; here a plain request stands for it.
	form := url.Values{"token": {s.BotToken}, "channel": {room}, "text": {"*INC-1* <!here> &lt;disk&gt; is full"}}
	r, err := http.Post(s.URL()+"chat.postMessage", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Body.Close()

	said := s.Posts("#incidents")[0]
	fmt.Println(said.Plain())
	fmt.Println(said.Notifies())
	fmt.Println(s.CountDone("chat.postMessage"), len(s.UnexpectedCalls()), len(s.Failures()))
	// Output:
	// INC-1 @here (notifies) <disk> is full
	// [@here]
	// 1 0 0
}
