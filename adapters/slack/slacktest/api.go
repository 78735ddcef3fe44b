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

// routes returns the handler of the Web API, of response URLs and of sockets.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.handleMethod)
	mux.HandleFunc("/response/{ticket}", s.handleResponse)
	mux.HandleFunc("/link/", s.handleSocket)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.waitUntilUp(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

// handleMethod answers a call of the Web API.
func (s *Server) handleMethod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, ok := readMethods().Methods[name]
	given, token, malformed := readArgs(r, ok && m.JSON)
	kind, user, scopes, refused := s.authenticate(token)
	logged := Call{Method: name, At: s.now(), Args: given, Token: kind}
	w, finish := s.injectFault(w, &logged)
	if w == nil {
		return
	}
	defer finish()
	var a answer
	var wait time.Duration
	switch {
	case !ok:
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
		// Every answer lists the token's scopes in this header (authentication/installing-with-oauth).
		w.Header().Set("X-OAuth-Scopes", strings.Join(scopes, ","))
	}
	writeJSON(w, http.StatusOK, a)
}

// execute checks the rate limit and the scopes, and then runs the method between the two calls of the hook. It returns
// how long the caller has to wait if a limit was reached.
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

// run checks a call, and calls the handler of its method if it is valid.
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

// reserveCall counts a call against the rate limit of its method. It returns how long to wait if the limit is reached.
func (s *Server) reserveCall(method, tier string) time.Duration {
	if s.options.Unlimited {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit.reserve(method, readMethods().Tiers[tier], s.now())
}

// readArgs reads the arguments and the token of a call as apis/web-api describes: from the query of a GET, from a form,
// or, if the method takes it, from JSON, with the token in the header. A token in a query is not accepted. If the request
// cannot be read, malformed is Slack's error code.
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
			return given, token, "" // not read, so required arguments are missing
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

// readJSON reads arguments from a JSON object. If it cannot, malformed is Slack's error code.
func readJSON(body io.Reader, into args) (malformed string) {
	var object map[string]json.RawMessage
	raw, err := io.ReadAll(body)
	if err != nil {
		return "invalid_json"
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return "" // slack-go calls apps.connections.open with an empty body, and Slack accepts it
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

// authenticate returns the kind, user and scopes of a token, or the error code for one that is not valid (the error list of
// every method: not_authed, invalid_auth, token_revoked).
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
	if slices.Contains(s.revokedTokens, kind) {
		refused = "token_revoked"
	}
	return kind, user, scopes, refused
}

// RevokeToken makes the token of a kind invalid: "bot", "user" or "app".
func (s *Server) RevokeToken(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokedTokens = append(s.revokedTokens, kind)
}

// SetScopes replaces the scopes of the bot token, as installing the app again does.
func (s *Server) SetScopes(scopes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.Scopes = slices.Clone(scopes)
}

// paginate returns one page of a list (apis/web-api/pagination). The cursor is opaque to the app and is bound to its
// method. standard is the number of items on a page if the call has no limit; a limit that is out of range has been refused
// before, although some methods of Slack would replace it silently.
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

// writeJSON writes an answer.
func writeJSON(w http.ResponseWriter, status int, a any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a); err != nil {
		panic("slacktest: encode an answer: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
