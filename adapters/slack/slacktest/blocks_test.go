package slacktest_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

const divider = `{"type":"divider"}`

// plain and mrkdwn return text objects with n characters.
func plain(n int) string  { return `{"type":"plain_text","text":"` + strings.Repeat("x", n) + `"}` }
func mrkdwn(n int) string { return `{"type":"mrkdwn","text":"` + strings.Repeat("x", n) + `"}` }

// times returns n copies, separated by commas, with # replaced by the number of the copy.
func times(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, strings.ReplaceAll(format, "#", fmt.Sprint(i)))
	}
	return strings.Join(all, ",")
}

// actions returns a block of elements.
func actions(elements string) string { return `{"type":"actions","elements":[` + elements + `]}` }

// input returns an input block with an element.
func input(element string) string {
	return `{"type":"input","label":` + plain(1) + `,"element":` + element + `}`
}

// Every documented limit of docs.slack.dev/reference/block-kit, at the limit and one beyond it.
func TestLimitsOfBlocks(t *testing.T) {
	button := func(more string) string { return actions(`{"type":"button","text":` + plain(1) + more + `}`) }
	overflow := func(options string) string { return actions(`{"type":"overflow","options":[` + options + `]}`) }
	opt := `{"text":` + plain(1) + `,"value":"#"}`
	rich := func(kind, element string) string {
		return `{"type":"rich_text","elements":[{"type":"` + kind + `","elements":[` + element + `]}]}`
	}
	date := func(timestamp, format, more string) string {
		return rich("rich_text_section", `{"type":"date","timestamp":`+timestamp+`,"format":"`+format+`"`+more+`}`)
	}
	const now = "1772421120"
	long := func(name string, n int) string { return `,"` + name + `":"` + strings.Repeat("x", n) + `"` }
	for name, c := range map[string]struct{ valid, invalid string }{
		"blocks in a message":     {times(50, divider), times(51, divider)},
		"a block's type":          {divider, `{"type":"rich_text","elements":[]}`},
		"fields":                  {divider, `{"type":"divider","text":"x"}`},
		"block_id":                {`{"type":"divider"` + long("block_id", 255) + `}`, `{"type":"divider"` + long("block_id", 256) + `}`},
		"block_id is unique":      {`{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, times(2, `{"type":"divider","block_id":"a"}`)},
		"header":                  {`{"type":"header","text":` + plain(150) + `}`, `{"type":"header","text":` + plain(151) + `}`},
		"header has no markup":    {`{"type":"header","text":` + plain(1) + `}`, `{"type":"header","text":` + mrkdwn(1) + `}`},
		"section text":            {`{"type":"section","text":` + mrkdwn(3000) + `}`, `{"type":"section","text":` + mrkdwn(3001) + `}`},
		"section is not empty":    {`{"type":"section","fields":[` + plain(1) + `]}`, `{"type":"section"}`},
		"text is not empty":       {`{"type":"section","text":` + plain(1) + `}`, `{"type":"section","text":` + plain(0) + `}`},
		"fields of a section":     {`{"type":"section","fields":[` + times(10, plain(1)) + `]}`, `{"type":"section","fields":[` + times(11, plain(1)) + `]}`},
		"field":                   {`{"type":"section","fields":[` + plain(2000) + `]}`, `{"type":"section","fields":[` + plain(2001) + `]}`},
		"context":                 {`{"type":"context","elements":[` + times(10, mrkdwn(1)) + `]}`, `{"type":"context","elements":[` + times(11, mrkdwn(1)) + `]}`},
		"actions":                 {actions(times(25, `{"type":"button","text":`+plain(1)+`,"action_id":"#"}`)), actions(times(26, `{"type":"button","text":`+plain(1)+`,"action_id":"#"}`))},
		"actions are not empty":   {divider, actions("")},
		"action_id":               {button(long("action_id", 255)), button(long("action_id", 256))},
		"action_id is unique":     {actions(times(2, `{"type":"button","text":`+plain(1)+`,"action_id":"#"}`)), actions(times(2, `{"type":"button","text":`+plain(1)+`,"action_id":"a"}`))},
		"button text":             {actions(`{"type":"button","text":` + plain(75) + `}`), actions(`{"type":"button","text":` + plain(76) + `}`)},
		"button text is plain":    {button(""), actions(`{"type":"button","text":` + mrkdwn(1) + `}`)},
		"button value":            {button(long("value", 2000)), button(long("value", 2001))},
		"button style":            {button(`,"style":"danger"`), button(`,"style":"default"`)},
		"button link":             {button(`,"url":"https://example.com"`), button(`,"url":"javascript:x"`)},
		"button confirmation":     {button(`,"confirm":{"title":` + plain(100) + `,"text":` + plain(300) + `,"confirm":` + plain(30) + `,"deny":` + plain(30) + `}`), button(`,"confirm":{"title":` + plain(1) + `,"text":` + plain(301) + `,"confirm":` + plain(1) + `,"deny":` + plain(1) + `}`)},
		"overflow":                {overflow(times(5, opt)), overflow(times(6, opt))},
		"options differ":          {overflow(times(2, opt)), overflow(times(2, `{"text":`+plain(1)+`,"value":"a"}`))},
		"option text":             {overflow(`{"text":` + plain(75) + `,"value":"a"}`), overflow(`{"text":` + plain(76) + `,"value":"a"}`)},
		"option value":            {overflow(`{"text":` + plain(1) + long("value", 150) + `}`), overflow(`{"text":` + plain(1) + long("value", 151) + `}`)},
		"options of a select":     {actions(`{"type":"static_select","options":[` + times(100, opt) + `]}`), actions(`{"type":"static_select","options":[` + times(101, opt) + `]}`)},
		"placeholder":             {actions(`{"type":"users_select","placeholder":` + plain(150) + `}`), actions(`{"type":"users_select","placeholder":` + plain(151) + `}`)},
		"what is chosen at first": {actions(`{"type":"static_select","options":[{"text":` + plain(1) + `,"value":"a"}],"initial_option":{"text":` + plain(1) + `,"value":"a"}}`), actions(`{"type":"static_select","options":[{"text":` + plain(1) + `,"value":"a"}],"initial_option":{"text":` + plain(2) + `,"value":"a"}}`)},
		"inputs are for views":    {divider, input(`{"type":"plain_text_input"}`)},
		"texts are for inputs":    {divider, actions(`{"type":"plain_text_input"}`)},
		"emoji count twice":       {`{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("😀", 75) + `"}}`, `{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("😀", 76) + `"}}`},
		"a date":                  {date(now, "{date_short_pretty} {time}", ""), date(now, "", "")},
		"a date has an instant":   {date("0", "{ago}", ""), rich("rich_text_section", `{"type":"date","format":"{time}"}`)},
		"a date is a number":      {date(now, "{time_secs}", ""), date(`"`+now+`"`, "{time_secs}", "")},
		"a date is in seconds":    {date(now, "at {time}", ""), date(now+"000", "at {time}", "")},
		"a date has tokens":       {date(now, "{day_divider_pretty}", ""), date(now, "today", "")},
		"tokens there are":        {date(now, "{date_num}, {time}", ""), date(now, "{date_num}, {clock}", "")},
		"tokens are whole":        {date(now, "{date_slash} {date_long_full}", ""), date(now, "{date_slash} {date", "")},
		"a date's fallback":       {date(now, "{time}", `,"fallback":"03:12 UTC"`), date(now, "{time}", `,"fallback":""`)},
		"a date's style":          {date(now, "{time}", `,"style":{"bold":true,"underline":true}`), date(now, "{time}", `,"style":{"code":true}`)},
		"a date's link":           {date(now, "{time}", `,"url":"https://example.com"`), date(now, "{time}", `,"url":"javascript:x"`)},
		"a date has no text":      {date(now, "{time}", `,"timezone":"Europe/Lisbon"`), date(now, "{time}", `,"text":"now"`)},
		"a date is in a section":  {rich("rich_text_preformatted", `{"type":"text","text":"x"}`), rich("rich_text_preformatted", `{"type":"date","timestamp":`+now+`,"format":"{time}"}`)},
		"all texts together":      {times(4, `{"type":"section","text":`+mrkdwn(3000)+`}`), times(5, `{"type":"section","text":`+mrkdwn(3000)+`}`)},
	} {
		if got := slacktest.CheckBlocks([]byte("[" + c.valid + "]")); len(got) > 0 {
			t.Errorf("%s: valid blocks are refused: %q", name, got)
		}
		if got := slacktest.CheckBlocks([]byte("[" + c.invalid + "]")); len(got) == 0 {
			t.Errorf("%s: invalid blocks are accepted: %.200s", name, c.invalid)
		}
	}
}

// Every documented limit of docs.slack.dev/reference/views/modal-views and home-tab-views.
func TestLimitsOfViews(t *testing.T) {
	modal := func(more string, blocks ...string) string {
		return `{"type":"modal","title":` + plain(24) + more + `,"blocks":[` + strings.Join(blocks, ",") + `]}`
	}
	submit := `,"submit":` + plain(24)
	for name, c := range map[string]struct{ valid, invalid string }{
		"blocks":            {modal("", times(100, divider)), modal("", times(101, divider))},
		"title":             {modal("", divider), `{"type":"modal","title":` + plain(25) + `,"blocks":[` + divider + `]}`},
		"submit":            {modal(submit, divider), modal(`,"submit":`+plain(25), divider)},
		"inputs are sent":   {modal(submit, input(`{"type":"plain_text_input"}`)), modal("", input(`{"type":"plain_text_input"}`))},
		"private_metadata":  {modal(`,"private_metadata":"`+strings.Repeat("x", 3000)+`"`, divider), modal(`,"private_metadata":"`+strings.Repeat("x", 3001)+`"`, divider)},
		"length of a text":  {modal(submit, input(`{"type":"plain_text_input","max_length":3000}`)), modal(submit, input(`{"type":"plain_text_input","max_length":3001}`))},
		"text fits":         {modal(submit, input(`{"type":"plain_text_input","max_length":3,"initial_value":"abc"}`)), modal(submit, input(`{"type":"plain_text_input","max_length":2,"initial_value":"abc"}`))},
		"one focus":         {modal(submit, input(`{"type":"plain_text_input","focus_on_load":true}`)), modal(submit, times(2, input(`{"type":"plain_text_input","focus_on_load":true}`)))},
		"home has no title": {`{"type":"home","blocks":[` + divider + `]}`, `{"type":"home","title":` + plain(1) + `,"blocks":[` + divider + `]}`},
	} {
		if got := slacktest.CheckView([]byte(c.valid)); len(got) > 0 {
			t.Errorf("%s: a valid view is refused: %q", name, got)
		}
		if got := slacktest.CheckView([]byte(c.invalid)); len(got) == 0 {
			t.Errorf("%s: an invalid view is accepted: %.200s", name, c.invalid)
		}
	}
}

// The answer to a call with invalid blocks names the place of the problem.
func TestRefusedBlocksNameThePlace(t *testing.T) {
	a := start(t, slacktest.Options{})
	id := a.channel("inc-1")
	got := a.expectError("invalid_blocks", "chat.postMessage", "channel", id, "blocks", `[{"type":"divider"},{"type":"section"}]`)
	if s := fmt.Sprint(got["response_metadata"]); !strings.Contains(s, "[json-pointer:/blocks/1]") {
		t.Errorf("response_metadata %s", s)
	}
	a.expectError("msg_blocks_too_long", "chat.postMessage", "channel", id, "blocks", "["+times(5, `{"type":"section","text":`+mrkdwn(3000)+`}`)+"]")
}
