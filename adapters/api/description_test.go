package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/api"
)

// The served and the described operations are the same.
func TestDescriptionAndRoutesAreTheSame(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	a := h.get("/api/v1/openapi.yaml", "")
	if got := a.header.Get("Content-Type"); a.status != http.StatusOK || got != "application/yaml; charset=utf-8" {
		t.Fatalf("%d, Content-Type %q", a.status, got)
	}
	var described []string
	for path, item := range document(t, a.body).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	served := api.Patterns(h.handler)
	slices.Sort(described)
	slices.Sort(served)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("served, not described (-), described, not served (+):\n%s", diff)
	}
}

// The description is strict: a field that it does not name is an error.
func TestDescriptionNoticesDrift(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mustRun(anaToken, "declare Checkout is down")
	doc := document(t, h.get("/api/v1/openapi.yaml", "").body)
	for _, name := range []string{"IncidentInList", "Incident"} {
		schema := doc.Components.Schemas[name].Value
		if has := schema.UnevaluatedProperties.Has; has == nil || *has {
			t.Errorf("%s takes unknown fields", name)
		}
	}
	for _, path := range []string{"/api/v1/incidents", "/api/v1/incidents/INC-1"} {
		spy := &testServer{t: &quiet{TB: t}, router: h.router}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer x")
		a := h.get(path, anaToken)
		a.body = slices.Clone(a.body)
		n := slices.Index(a.body, '"') + len(`"`)
		if path == "/api/v1/incidents" {
			n = slices.Index(a.body, '[') + len(`[{"`)
		}
		a.body = slices.Insert(a.body, n, []byte(`surprise":1,"`)...)
		spy.checkDescription(r, a)
		if !spy.t.(*quiet).failed {
			t.Errorf("%s: not noticed: %s", path, a.body)
		}
	}
}

// quiet records a failure instead of failing.
type quiet struct {
	testing.TB
	failed bool
}

func (q *quiet) Helper()               {}
func (q *quiet) Errorf(string, ...any) { q.failed = true }
