package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/commands"
)

// A form is a modal that asks for what a word's line lacks. Each field is an
// input block under the field's name, so that what somebody has typed stays
// when the view is drawn anew (docs.slack.dev/reference/views/modal-views).

// FormData is what a form is drawn from.
type FormData struct {
	FormOrigin
	Values  map[string][]string                             // as filled in before, or said in the line
	Choices func(kind commands.FieldKind) []commands.Choice // what only the house knows; nil: nothing
	Without []string                                        // fields that this reader is not asked for
}

// FormOrigin is where a form was asked for. The view carries it, and brings it
// back when it is sent.
type FormOrigin struct {
	Word     string `json:"word"`
	Incident string `json:"incident,omitempty"` // "": none, or the line says it
	Command  string `json:"command,omitempty"`  // the line that the form adds to; "": the word and the incident
	Channel  string `json:"channel,omitempty"`
	Respond  string `json:"respond,omitempty"` // the response URL of what was pressed or typed
}

// Line is the command that the form adds to.
func (o FormOrigin) Line() string {
	if o.Command != "" {
		return o.Command
	}
	return strings.TrimSpace(o.Word + " " + o.Incident)
}

// metadata writes the origin into a view. What is too long is left out, the
// response URL last: without it the answer goes to the person.
func (o FormOrigin) metadata() string {
	brief := o
	brief.Command = ""
	least := brief
	least.Respond = ""
	for _, shorter := range []FormOrigin{o, brief, least} {
		if raw, err := json.Marshal(shorter); err == nil && units(string(raw)) <= longMetadata {
			return string(raw)
		}
	}
	return ""
}

// ReadOrigin reads the metadata of a form.
func ReadOrigin(metadata string) (FormOrigin, error) {
	var o FormOrigin
	if err := json.Unmarshal([]byte(metadata), &o); err != nil {
		return o, fmt.Errorf("read where a form comes from: %w", err)
	}
	return o, nil
}

// The callback_id of a form is this and its word.
const FormCallback = "form:"

// FormView is the form of a word.
func FormView(w commands.Word, d FormData) slack.ModalViewRequest {
	v := LoadingView(w, d)
	var blocks []slack.Block
	for _, f := range w.Form {
		if !slices.Contains(d.Without, f.Name) && len(blocks) < homeBlocks {
			blocks = append(blocks, input(f, d, len(blocks) == 0))
		}
	}
	if len(blocks) > 0 {
		v.Blocks.BlockSet = blocks
		v.Submit = plain(submitOf(w.Name), longTitle)
	}
	return v
}

// LoadingView is what is opened at once, within the three seconds that a
// trigger lives, and replaced by the form.
func LoadingView(w commands.Word, d FormData) slack.ModalViewRequest {
	d.Word = w.Name
	title := titleOf(w.Name)
	if d.Incident != "" {
		title = d.Incident + " · " + labelOf(w.Name)
	}
	wait := slack.NewSectionBlock(plain("One moment…", longSection), nil, nil)
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title, longTitle), Close: plain("Cancel", longTitle),
		Blocks: slack.Blocks{BlockSet: []slack.Block{wait}}, CallbackID: FormCallback + w.Name, PrivateMetadata: d.metadata(),
	}
}

// ReadForm returns what a form was filled in with, as [commands.Context] wants
// it.
func ReadForm(state *slack.ViewState) map[string][]string {
	all := map[string][]string{}
	if state == nil {
		return all
	}
	for name, elements := range state.Values {
		for id, e := range elements {
			values := []string{e.Value}
			if id == eachLine {
				values = strings.Split(e.Value, "\n")
			}
			for _, o := range e.SelectedOptions {
				values = append(values, o.Value)
			}
			values = append(values, e.SelectedOption.Value)
			values = slices.DeleteFunc(values, func(v string) bool { return strings.TrimSpace(v) == "" })
			if len(values) > 0 {
				all[name] = append(all[name], values...)
			}
		}
	}
	return all
}

// FormErrors puts a message under the field that it is about, as far as that
// can be told: the one whose value or label it quotes, or that is required and
// empty; else under the first (docs.slack.dev/surfaces/modals, "Displaying
// errors in views"). Nil if the form has no field.
func FormErrors(w commands.Word, message string, fields map[string][]string) map[string]string {
	if len(w.Form) == 0 {
		return nil
	}
	about := func(f commands.Field) bool {
		return strings.Contains(message, fmt.Sprintf("%q", f.Label)) || slices.ContainsFunc(fields[f.Name], func(v string) bool {
			return strings.Contains(message, fmt.Sprintf("%q", strings.TrimSpace(v)))
		})
	}
	n := slices.IndexFunc(w.Form, about)
	if n < 0 {
		n = slices.IndexFunc(w.Form, func(f commands.Field) bool { return f.Required && len(fields[f.Name]) == 0 })
	}
	return map[string]string{w.Form[max(n, 0)].Name: short(lines(message), longHint)}
}

// RefusalView says in the place of a word's form why there is none.
func RefusalView(word, reply string) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(titleOf(word), longTitle), Close: plain("Close", longTitle),
		Blocks: slack.Blocks{BlockSet: RenderReply(strings.TrimSpace(reply)).Blocks},
	}
}
