package slacktest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.handleMethod)
	mux.HandleFunc("/response/{ticket}", s.handleResponse)
	mux.HandleFunc("/link/", s.handleSocket)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.admit(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func (s *Server) handleMethod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, known := readMethods().Methods[name]
	given, token, malformed := readArgs(r, known && m.JSON)
	kind, user, scopes, refused := s.authenticate(token)
	logged := Call{Method: name, At: s.now(), Args: given, Token: kind}
	w, lost := s.injectFault(w, &logged)
	if w == nil {
		return
	}
	defer lost()
	var a answer
	var wait time.Duration
	switch {
	case !known:
		a = refuse("unknown_method")
	case malformed != "":
		a = refuse(malformed)
	case refused != "":
		a = refuse(refused)
	case m.Token == "app" && r.Method != http.MethodPost:
		a = refuse("insecure_request")
	case !m.acceptsToken(kind):
		a = refuse("not_allowed_token_type")
	default:
		c := &call{Server: s, method: name, args: given, kind: kind, user: user, scopes: scopes}
		a, wait = s.execute(m, c, &logged)
	}
	logged.Error = a.code()
	if wait > 0 {
		logged.Status = http.StatusTooManyRequests
		s.recordCall(logged)
		writeRateLimited(w, wait)
		return
	}
	if _, discarded := w.(*discard); !discarded {
		logged.Status = http.StatusOK
	}
	s.recordCall(logged)
	if kind == "bot" || kind == "user" {
		// auth.test tells the token's scopes by this header (authentication/installing-with-oauth), as all methods do.
		w.Header().Set("X-OAuth-Scopes", strings.Join(scopes, ","))
	}
	writeJSON(w, http.StatusOK, a)
}

// execute checks the limit and the scopes, and then lets the method work between the two hooks.
func (s *Server) execute(m *method, c *call, logged *Call) (answer, time.Duration) {
	if wait := s.reserveCall(c.method, m.Tier); wait > 0 {
		return refuse("ratelimited"), wait
	}
	if refused := c.requireScope(m.sufficientScopes(c.kind)...); refused != nil {
		return refused, 0
	}
	s.callHook(*logged, "before")
	a := c.run(m)
	if a.code() == "" {
		a["ok"] = true
		logged.Done = true
	}
	logged.Error = a.code()
	s.callHook(*logged, "after")
	return a, c.wait
}

// run checks a call, and carries it out if nothing is wrong with it.
func (c *call) run(m *method) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if refused := c.check(m); refused != nil {
		return refused
	}
	if a := handlers()[c.method](c); a != nil {
		return a
	}
	return answer{}
}

func (s *Server) reserveCall(method, tier string) time.Duration {
	if s.options.Unlimited {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit.reserve(method, readMethods().Tiers[tier], s.now())
}

// readArgs reads arguments as apis/web-api describes: in the query of a GET; as a form; or, where the method takes it,
// as JSON, which must then have the token in the header. A token in a query is not accepted.
func readArgs(r *http.Request, takesJSON bool) (given args, token, malformed string) {
	given = args{}
	token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method == http.MethodGet {
		for name := range r.URL.Query() {
			given[name] = r.URL.Query().Get(name)
		}
		delete(given, "token")
		return given, token, ""
	}
	if r.Method != http.MethodPost {
		return given, token, "invalid_post_type"
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return given, token, "missing_post_type"
	case media == "application/json":
		if !takesJSON {
			return given, token, "" // not read: the method then misses its arguments
		}
		malformed = readJSON(r.Body, given)
		delete(given, "token")
		return given, token, malformed
	case media == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case media == "multipart/form-data":
		err = r.ParseMultipartForm(1 << 20)
	default:
		return given, token, "invalid_post_type"
	}
	if err != nil {
		return given, token, "invalid_form_data"
	}
	for name := range r.PostForm {
		given[name] = r.PostForm.Get(name)
	}
	if token == "" {
		token = given["token"]
	}
	delete(given, "token")
	return given, token, ""
}

func readJSON(body io.Reader, into args) (malformed string) {
	var object map[string]json.RawMessage
	raw, err := io.ReadAll(body)
	if err != nil {
		return "invalid_json"
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return "" // slack-go opens its connections so, and is understood
	}
	if err = json.Unmarshal(raw, &object); err != nil {
		if json.Valid(raw) {
			return "json_not_object"
		}
		return "invalid_json"
	}
	for name, value := range object {
		var text string
		if json.Unmarshal(value, &text) == nil {
			into[name] = text
		} else {
			into[name] = string(value)
		}
	}
	return ""
}

// authenticate says whose token it is (the error lists of every method: not_authed, invalid_auth, token_revoked).
func (s *Server) authenticate(token string) (kind, user string, scopes []string, refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch token {
	case "":
		return "", "", nil, "not_authed"
	case s.BotToken:
		kind, user, scopes = "bot", s.BotUser, s.options.Scopes
	case s.UserToken:
		kind, user, scopes = "user", s.Installer, s.options.UserScopes
	case s.AppToken:
		kind, scopes = "app", []string{"connections:write"}
	default:
		return "", "", nil, "invalid_auth"
	}
	if slices.Contains(s.revoked, kind) {
		refused = "token_revoked"
	}
	return kind, user, scopes, refused
}

// RevokeToken makes a token invalid: "bot", "user" or "app".
func (s *Server) RevokeToken(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = append(s.revoked, kind)
}

// SetScopes grants the bot token other scopes, as installing the app again does.
func (s *Server) SetScopes(scopes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.Scopes = slices.Clone(scopes)
}

// paginate cuts one page out of a list (apis/web-api/pagination). The cursor is opaque to the app and is bound to its
// method. A limit that is out of range was refused: some methods would quietly take another.
func paginate[T any](c *call, all []T, standard int) (some []T, next string, refused answer) {
	limit, _ := strconv.Atoi(c.args["limit"])
	from := 0
	if cursor := c.args["cursor"]; cursor != "" {
		value, err := strconv.Atoi(strings.TrimPrefix(cursor, c.method+":"))
		if err != nil || value < 0 || value > len(all) {
			return nil, "", refuse("invalid_cursor")
		}
		from = value
	}
	to := min(len(all), from+cmp.Or(limit, standard))
	if to < len(all) {
		next = c.method + ":" + strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func writeJSON(w http.ResponseWriter, status int, a any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a); err != nil {
		panic("slacktest: cannot encode an answer: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
