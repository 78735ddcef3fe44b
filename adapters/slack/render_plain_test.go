package slack

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"tocsin/adapters/slack/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-want +got); -update rewrites it\n%s", name, diff)
	}
}

// marshal returns what goes to Slack.
func marshal(t interface{ Fatal(args ...any) }, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// indentJSON returns JSON for a golden file.
func indentJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}

// read returns what people read in blocks.
func read(t interface{ Fatal(args ...any) }, blocks []slack.Block) string {
	return slacktest.Message{Blocks: marshal(t, blocks)}.Plain()
}

type object = map[string]any

func word(v any, name string) string {
	o, _ := v.(object)
	s, _ := o[name].(string)
	return s
}

func list(v any, name string) []any {
	o, _ := v.(object)
	all, _ := o[name].([]any)
	return all
}

// renderPlain renders blocks as text, roughly as a reader sees them, with what their buttons send.
func renderPlain(t *testing.T, blocks any) string {
	t.Helper()
	var all []any
	if err := json.Unmarshal(marshal(t, blocks), &all); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, block := range all {
		o, _ := block.(object)
		switch word(o, "type") {
		case "header":
			b.WriteString("# " + renderPlainText(o["text"]) + "\n")
		case "rich_text":
			b.WriteString(renderPlainRich(o))
		case "section":
			b.WriteString(renderPlainText(o["text"]) + "\n")
			for _, f := range list(o, "fields") {
				b.WriteString("| " + renderPlainText(f) + "\n")
			}
			if o["accessory"] != nil {
				b.WriteString(renderPlainElement(o["accessory"]) + "\n")
			}
		case "context":
			for _, e := range list(o, "elements") {
				b.WriteString("(" + renderPlainText(e) + ")\n")
			}
		case "actions":
			for _, e := range list(o, "elements") {
				b.WriteString(renderPlainElement(e) + "\n")
			}
		case "input":
			b.WriteString(renderPlainInput(o))
		default:
			b.WriteString("<" + word(o, "type") + ">\n")
		}
	}
	return b.String()
}

func renderPlainText(v any) string {
	if word(v, "type") == "mrkdwn" {
		return "mrkdwn: " + word(v, "text")
	}
	return word(v, "text")
}

func renderPlainRich(o object) string {
	var b strings.Builder
	for _, part := range list(o, "elements") {
		if word(part, "type") == "rich_text_preformatted" {
			b.WriteString("```\n")
		}
		for _, e := range list(part, "elements") {
			style, _ := e.(object)["style"].(object)
			mark := ""
			switch {
			case style["bold"] == true:
				mark = "**"
			case style["code"] == true:
				mark = "`"
			}
			text := word(e, "text")
			switch word(e, "type") {
			case "link":
				text = "<" + text + " → " + word(e, "url") + ">"
			case "channel":
				text = "<#" + word(e, "channel_id") + ">"
			case "date":
				text = fmt.Sprintf("<%.0f %s | %s>", e.(object)["timestamp"], word(e, "format"), word(e, "fallback"))
			}
			b.WriteString(mark + text + mark)
		}
		b.WriteString("\n")
		if word(part, "type") == "rich_text_preformatted" {
			b.WriteString("```\n")
		}
	}
	return b.String()
}

func renderPlainElement(e any) string {
	o, _ := e.(object)
	switch word(e, "type") {
	case "button":
		return strings.TrimSpace(fmt.Sprintf("  [%s] %s: %s%s %s", renderPlainText(o["text"]), word(e, "action_id"), word(e, "value"), word(e, "url"), word(e, "style")))
	case "overflow":
		var all []string
		for _, option := range list(e, "options") {
			all = append(all, fmt.Sprintf("[%s] %s", renderPlainText(option.(object)["text"]), word(option, "value")))
		}
		return "  … " + word(e, "action_id") + ": " + strings.Join(all, ", ")
	}
	return "<" + word(e, "type") + ">"
}

func renderPlainInput(o object) string {
	e, _ := o["element"].(object)
	s := fmt.Sprintf("%s (%s, %s %s", renderPlainText(o["label"]), word(o, "block_id"), word(e, "type"), word(e, "action_id"))
	for _, is := range []string{"multiline", "focus_on_load"} {
		if e[is] == true {
			s += ", " + is
		}
	}
	if o["optional"] == true {
		s += ", optional"
	}
	s += ")"
	if e["placeholder"] != nil {
		s += " … " + renderPlainText(e["placeholder"])
	}
	s += "\n"
	if word(e, "initial_value") != "" {
		s += "    = " + word(e, "initial_value") + "\n"
	}
	for _, option := range list(e, "options") {
		s += "    - " + renderPlainText(option.(object)["text"]) + " = " + word(option, "value") + "\n"
	}
	for _, option := range append(list(e, "initial_options"), e["initial_option"]) {
		if option != nil {
			s += "    chosen: " + word(option, "value") + "\n"
		}
	}
	if o["hint"] != nil {
		s += "    " + renderPlainText(o["hint"]) + "\n"
	}
	return s
}

// renderReply is [RenderReply] with its parts apart.
func renderReply(reply string) (blocks []slack.Block, text string) {
	r := RenderReply(reply)
	return r.Blocks, r.Text
}
