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

// compareGolden compares a text with a file of testdata.
func compareGolden(t *testing.T, name, got string) {
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

func stringField(v any, name string) string {
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
		switch stringField(o, "type") {
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
			b.WriteString("<" + stringField(o, "type") + ">\n")
		}
	}
	return b.String()
}

func renderPlainText(v any) string {
	if stringField(v, "type") == "mrkdwn" {
		return "mrkdwn: " + stringField(v, "text")
	}
	return stringField(v, "text")
}

func renderPlainRich(o object) string {
	var b strings.Builder
	for _, part := range list(o, "elements") {
		if stringField(part, "type") == "rich_text_preformatted" {
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
			text := stringField(e, "text")
			switch stringField(e, "type") {
			case "link":
				text = "<" + text + " → " + stringField(e, "url") + ">"
			case "channel":
				text = "<#" + stringField(e, "channel_id") + ">"
			case "date":
				text = fmt.Sprintf("<%.0f %s | %s>", e.(object)["timestamp"], stringField(e, "format"), stringField(e, "fallback"))
			}
			b.WriteString(mark + text + mark)
		}
		b.WriteString("\n")
		if stringField(part, "type") == "rich_text_preformatted" {
			b.WriteString("```\n")
		}
	}
	return b.String()
}

func renderPlainElement(e any) string {
	o, _ := e.(object)
	switch stringField(e, "type") {
	case "button":
		return strings.TrimSpace(fmt.Sprintf("  [%s] %s: %s%s %s", renderPlainText(o["text"]), stringField(e, "action_id"), stringField(e, "value"), stringField(e, "url"), stringField(e, "style")))
	case "overflow":
		var all []string
		for _, option := range list(e, "options") {
			all = append(all, fmt.Sprintf("[%s] %s", renderPlainText(option.(object)["text"]), stringField(option, "value")))
		}
		return "  … " + stringField(e, "action_id") + ": " + strings.Join(all, ", ")
	}
	return "<" + stringField(e, "type") + ">"
}

func renderPlainInput(o object) string {
	e, _ := o["element"].(object)
	s := fmt.Sprintf("%s (%s, %s %s", renderPlainText(o["label"]), stringField(o, "block_id"), stringField(e, "type"), stringField(e, "action_id"))
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
	if stringField(e, "initial_value") != "" {
		s += "    = " + stringField(e, "initial_value") + "\n"
	}
	for _, option := range list(e, "options") {
		s += "    - " + renderPlainText(option.(object)["text"]) + " = " + stringField(option, "value") + "\n"
	}
	for _, option := range append(list(e, "initial_options"), e["initial_option"]) {
		if option != nil {
			s += "    chosen: " + stringField(option, "value") + "\n"
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
