package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/commands"
)

// A form is a modal that asks for what is missing in a command line. Each field is an
// input block whose ID is the field's name, so that what a person has typed stays
// when the view is updated (docs.slack.dev/reference/views/modal-views).

// FormData is what a form is rendered from.
type FormData struct {
	FormOrigin
	Values  map[string][]string                             // with which the fields are filled in
	Choices func(kind commands.FieldKind) []commands.Choice // the organization's people, teams, services and incidents; nil: none
}

// FormOrigin is the command that a form was opened for, and where. The view carries it
// as metadata, and the submission returns it.
type FormOrigin struct {
	Word        string `json:"word"`
	Incident    string `json:"incident,omitempty"` // "": none, or it is in the command
	Command     string `json:"command,omitempty"`  // the line that the form adds to; "": the word and the incident
	Channel     string `json:"channel,omitempty"`
	ResponseURL string `json:"response_url,omitempty"` // of what was pressed or typed
}

// Line returns the command line that the form adds to.
func (o FormOrigin) Line() string {
	if o.Command != "" {
		return o.Command
	}
	return strings.TrimSpace(o.Word + " " + o.Incident)
}

// metadata returns the origin as a view's metadata. When it is too long, the command
// is left out, then the response URL: without it the answer goes to the person.
func (o FormOrigin) metadata() string {
	brief := o
	brief.Command = ""
	least := brief
	least.ResponseURL = ""
	for _, shorter := range []FormOrigin{o, brief, least} {
		if raw, err := json.Marshal(shorter); err == nil && countUnits(string(raw)) <= maxMetadataLength {
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

// FormCallback and the word are the callback_id of a form.
const FormCallback = "form:"

// FormView returns the form of a word.
func FormView(w commands.Spec, d FormData) slack.ModalViewRequest {
	v := LoadingView(w, d)
	var blocks []slack.Block
	for _, f := range w.Form {
		if len(blocks) < maxViewBlocks {
			blocks = append(blocks, inputBlock(f, d, len(blocks) == 0))
		}
	}
	if len(blocks) > 0 {
		v.Blocks.BlockSet = blocks
		v.Submit = plain(w.SubmitLabel(), maxTitleLength)
	}
	return v
}

// LoadingView returns the view that is opened within the three seconds that a trigger
// lives, and then replaced by the form.
func LoadingView(w commands.Spec, d FormData) slack.ModalViewRequest {
	d.Word = w.Name
	title := w.Label()
	if d.Incident != "" {
		title = d.Incident + " · " + title
	}
	wait := slack.NewSectionBlock(plain("One moment…", maxSectionLength), nil, nil)
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title, maxTitleLength), Close: plain("Cancel", maxTitleLength),
		Blocks: slack.Blocks{BlockSet: []slack.Block{wait}}, CallbackID: FormCallback + w.Name, PrivateMetadata: d.metadata(),
	}
}

// ReadForm returns what a form was filled in with: the values of each field by its
// name.
func ReadForm(state *slack.ViewState) map[string][]string {
	all := map[string][]string{}
	if state == nil {
		return all
	}
	for name, elements := range state.Values {
		for id, e := range elements {
			values := []string{e.Value}
			if id == actionLines {
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

// FormErrors returns a message by the name of the field that it is about: the one
// whose value or label it quotes, or that is required and empty; else the first
// (docs.slack.dev/surfaces/modals, "Displaying errors in views"). It is nil if the
// form has no field.
func FormErrors(w commands.Spec, message string, fields map[string][]string) map[string]string {
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
	return map[string]string{w.Form[max(n, 0)].Name: truncate(cleanText(message), maxHintLength)}
}

// RefusalView returns the view that says, in place of a word's form, why there is none.
func RefusalView(word commands.Spec, reply string) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(word.Label(), maxTitleLength), Close: plain("Close", maxTitleLength),
		Blocks: slack.Blocks{BlockSet: RenderReply(strings.TrimSpace(reply)).Blocks},
	}
}
