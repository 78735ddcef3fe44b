package slacktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tocsin/adapters/slack/slacktest"
)

// A test starts a workspace, lets the code under test talk to it, and checks what people see.
func Example() {
	s := slacktest.New(slacktest.Options{})
	defer s.Close()
	ana := s.AddUser(slacktest.User{Name: "ana"})
	room := s.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{ana, s.BotUser}})

	// The code under test gets s.URL(), s.BotToken, s.AppToken and s.SigningSecret; here a plain request stands for it.
	form := url.Values{"token": {s.BotToken}, "channel": {room}, "text": {"*INC-1* <!here> &lt;disk&gt; is full"}}
	r, err := http.Post(s.URL()+"chat.postMessage", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Body.Close()

	post := s.Posts("#incidents")[0]
	fmt.Println(post.Plain())
	fmt.Println(post.Notifies())
	fmt.Println(s.CountDone("chat.postMessage"), len(s.UnexpectedCalls()), len(s.Failures()))
	// Output:
	// INC-1 @here (notifies) <disk> is full
	// [@here]
	// 1 0 0
}
