package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"tocsin/adapters/slack/slacktest"
	"tocsin/commands"
)

// exampleChoices returns what there is to choose from.
func exampleChoices(kind commands.FieldKind) []commands.Choice {
	switch kind {
	case commands.Person:
		return []commands.Choice{{Value: "@ana", Label: "Ana Silva"}, {Value: "@ben", Label: "Ben"}}
	case commands.Target:
		return []commands.Choice{{Value: "@ana", Label: "Ana Silva"}, {Value: "team:db", Label: "Databases (team)"}}
	case commands.Service:
		return []commands.Choice{{Value: "checkout", Label: "Checkout"}, {Value: "search", Label: "Search"}}
	case commands.Incident:
		return []commands.Choice{{Value: "INC-7", Label: "INC-7 · Checkout is down"}, {Value: "INC-8", Label: "INC-8 · Search is slow"}}
	case commands.Line, commands.Text, commands.Choose, commands.Duration, commands.Check:
		return nil
	}
	return nil
}

// manyChoices returns more choices than a menu holds.
func manyChoices(commands.FieldKind) []commands.Choice {
	var all []commands.Choice
	for n := range 300 {
		all = append(all, commands.Choice{Value: fmt.Sprintf("@p%d", n), Label: fmt.Sprintf("Person %d", n)})
	}
	return all
}

// validView fails on what Slack would refuse.
func validView(t interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}, view any,
) {
	t.Helper()
	for _, fault := range slacktest.CheckView(marshal(t, view)) {
		t.Errorf("Slack refuses it: %s", fault)
	}
}

func renderPlainModal(t *testing.T, v slack.ModalViewRequest) string {
	t.Helper()
	validView(t, v)
	submit := ""
	if v.Submit != nil {
		submit = v.Submit.Text
	}
	return fmt.Sprintf("# %s (%s) [%s] [%s]\n%s%s\n", v.Title.Text, v.CallbackID, submit, v.Close.Text, renderPlain(t, v.Blocks.BlockSet), v.PrivateMetadata)
}

// TestForms: every form, as it is opened first.
func TestForms(t *testing.T) {
	var all strings.Builder
	for _, w := range commands.New() {
		if len(w.Form) == 0 {
			continue
		}
		d := FormData{FormOrigin: FormOrigin{Channel: "C024BE7LR", ResponseURL: "https://hooks.slack.com/actions/T1/2/x"}, Choices: exampleChoices}
		if w.Name != "declare" {
			d.Incident = "INC-7"
		}
		all.WriteString(renderPlainModal(t, FormView(w, d)) + "\n")
		validView(t, FormView(w, FormData{Choices: manyChoices}))
		validView(t, FormView(w, FormData{}))
	}
	compareGolden(t, "forms.golden.txt", all.String())
	declare, _ := commands.New().Find("declare")
	v := FormView(declare, FormData{FormOrigin: FormOrigin{Channel: "C024BE7LR"}, Choices: exampleChoices})
	compareGolden(t, "declare.golden.json", indentJSON(t, v))
	compareGolden(t, "loading.golden.json", indentJSON(t, LoadingView(declare, FormData{FormOrigin: FormOrigin{Channel: "C024BE7LR"}})))
}

// TestFormsFilled: a form is filled in with the values that it is given.
func TestFormsFilled(t *testing.T) {
	declare, _ := commands.New().Find("declare")
	page, _ := commands.New().Find("page")
	declare.Form = slices.DeleteFunc(slices.Clone(declare.Form), func(f commands.Field) bool { return f.Name == "contact" || f.Name == "department" })
	var all strings.Builder
	all.WriteString(renderPlainModal(t, FormView(declare, FormData{Choices: exampleChoices, Values: map[string][]string{
		"title": {"Checkout\nis <down>"}, "sev": {"sev2"}, "service": {"Checkout", "fax", "fax"}, "description": {"a\nb"}, "private": {"true"}, "drill": {"false"},
		"symptom": {"502", "slow"}, "impact": {"none of these"},
	}})))
	all.WriteString(renderPlainModal(t, FormView(page, FormData{FormOrigin: FormOrigin{Incident: "INC-7", Command: "page INC-7 --seen 12"}, Choices: manyChoices, Values: map[string][]string{"who": {"p7", "@p299", "@nobody"}}})))
	all.WriteString(renderPlainModal(t, FormView(page, FormData{Values: map[string][]string{"who": {"@ana"}}})))
	compareGolden(t, "forms_filled.golden.txt", all.String())
}

// TestFormOrigin: the origin comes back from the view's metadata, as far as it fits.
func TestFormOrigin(t *testing.T) {
	o := FormOrigin{Word: "update", Incident: "INC-7", Command: "update INC-7 --seen 12", Channel: "C1", ResponseURL: "https://hooks.slack.com/x?a=b&c"}
	back, err := ReadOrigin(o.metadata())
	if err != nil || back != o || back.Line() != o.Command {
		t.Errorf("%+v came back as %+v, %v", o, back, err)
	}
	long := o
	long.Command = strings.Repeat("update ", 1000)
	if back, err = ReadOrigin(long.metadata()); err != nil || back.Line() != "update INC-7" || back.ResponseURL != o.ResponseURL {
		t.Errorf("of a long line there came back %+v, %v", back, err)
	}
	long.ResponseURL = strings.Repeat("x", 4000)
	if back, err = ReadOrigin(long.metadata()); err != nil || back.Line() != "update INC-7" || back.Channel != "C1" {
		t.Errorf("of a long address there came back %+v, %v", back, err)
	}
	if _, err = ReadOrigin("no JSON"); err == nil {
		t.Error("what is no metadata is read")
	}
}

// TestReadForm: what was filled in comes back under the fields' names.
func TestReadForm(t *testing.T) {
	var state slack.ViewState
	if err := json.Unmarshal([]byte(`{"values": {
		"title": {"v": {"type": "plain_text_input", "value": " Checkout & <more> "}},
		"description": {"v": {"type": "plain_text_input", "value": null}},
		"symptom": {"lines": {"type": "plain_text_input", "value": "502\n\n slow \n"}},
		"sev": {"v": {"type": "static_select", "selected_option": {"text": {"type": "plain_text", "text": "SEV2"}, "value": "2"}}},
		"impact": {"v": {"type": "static_select", "selected_option": null}},
		"service": {"v": {"type": "multi_static_select", "selected_options": [{"value": "checkout"}, {"value": "search"}]}},
		"private": {"v": {"type": "checkboxes", "selected_options": [{"value": "true"}]}},
		"drill": {"v": {"type": "checkboxes", "selected_options": []}}}}`), &state); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"title": {" Checkout & <more> "}, "symptom": {"502", " slow "}, "sev": {"2"}, "service": {"checkout", "search"}, "private": {"true"},
	}
	if diff := cmp.Diff(want, ReadForm(&state)); diff != "" {
		t.Error(diff)
	}
	if got := ReadForm(nil); len(got) != 0 {
		t.Errorf("of nothing %v is read", got)
	}
}

// TestFormErrors: a message stands under the field that it is about.
func TestFormErrors(t *testing.T) {
	for _, c := range []struct {
		word, message string
		fields        map[string][]string
		under         string
	}{
		{"declare", "An incident needs a title.", nil, "title"},
		{"declare", `"soon" is no time.`, map[string][]string{"title": {"x"}, "detected": {" soon"}}, "detected"},
		{"update", `"Next update in" takes one value.`, map[string][]string{"text": {"x"}}, "next"},
		{"page", `There is no one called "@eve".`, map[string][]string{"who": {"@ana", "@eve"}}, "who"},
		{"verify", "The result of a check is passed or failed.", map[string][]string{"number": {"1"}}, "outcome"},
		{"update", "The store does not answer.", map[string][]string{"text": {"x"}}, "text"},
		{"resolve", strings.Repeat("long ", 1000), nil, "how"},
	} {
		w, _ := commands.New().Find(c.word)
		got := FormErrors(w, c.message, c.fields)
		if len(got) != 1 || got[c.under] == "" || countUnits(got[c.under]) > maxHintLength {
			t.Errorf("%s: %.40q stands at %v, want %s", c.word, c.message, got, c.under)
		}
	}
	if got := FormErrors(commands.Spec{}, "x", nil); got != nil {
		t.Errorf("without a form: %v", got)
	}
}

// TestSuggestions: what begins with the query comes first.
func TestSuggestions(t *testing.T) {
	values := func(query string) string {
		var all []string
		for _, o := range matchingOptions(exampleChoices(commands.Target), query) {
			all = append(all, o.Value)
		}
		return strings.Join(all, " ")
	}
	for query, want := range map[string]string{"": "@ana team:db", "AN": "@ana", "silva": "@ana", "team": "team:db", "da": "team:db", "s": "@ana team:db", "x": ""} {
		if got := values(query); got != want {
			t.Errorf("%q suggests %q, want %q", query, got, want)
		}
	}
	if got := len(matchingOptions(manyChoices(""), "person")); got != maxOptions {
		t.Errorf("%d are suggested", got)
	}
	if got := matchingOptions(manyChoices(""), "Person 29"); len(got) != 11 || got[0].Value != "@p29" {
		t.Errorf("%d are suggested", len(got))
	}
}
