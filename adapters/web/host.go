package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// knownHost reports whether a request was addressed to us: to the configured
// address, to this machine, or to the address it arrived at. A page of
// somebody else whose name was pointed at us (DNS rebinding) is not.
func (s *server) knownHost(r *http.Request) bool {
	name := hostname(r.Host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if u, err := url.Parse(s.Bot.Organization().URL); err == nil && strings.EqualFold(u.Hostname(), name) {
		return true
	}
	ip := net.ParseIP(name)
	if ip == nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ip.IsLoopback() || ok && hostname(local.String()) == ip.String()
}

// hostname is a host without its port, brackets and upper case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func (s *server) strangeHost(w http.ResponseWriter, r *http.Request) {
	s.writeErrorPage(w, r, http.StatusMisdirectedRequest, errorPage{Title: "Tocsin does not answer to this address", Lines: []textLine{
		{Text: "It was asked for " + shorten(r.Host) + ". It answers to the configured url, to localhost and to the address it listens on, so that no other site can pose as it."},
		{Text: "If people are to reach it here, set this in the configuration:", Code: "url: https://" + shorten(r.Host)},
		{Text: "If it is behind a proxy, let the proxy pass on the name that the browser asked for; nginx, for example:", Code: "proxy_set_header Host $host;"},
	}})
}

func shorten(text string) string {
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
