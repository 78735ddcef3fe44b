package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// isKnownHost reports whether the Host of a request is ours: the configured
// address, localhost, or the IP address that the request arrived at. Another
// site whose name resolves to our address (DNS rebinding) is refused.
func (s *Server) isKnownHost(r *http.Request) bool {
	name := hostname(r.Host)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if u, err := url.Parse(s.Engine.Organization().URL); err == nil && strings.EqualFold(u.Hostname(), name) {
		return true
	}
	ip := net.ParseIP(name)
	if ip == nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ip.IsLoopback() || ok && hostname(local.String()) == ip.String()
}

// hostname returns a host in lower case without its port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// writeUnknownHost answers a request whose Host is not ours.
func (s *Server) writeUnknownHost(w http.ResponseWriter, r *http.Request) {
	s.writeErrorPage(w, r, http.StatusMisdirectedRequest, errorPage{Title: "Tocsin does not answer to this address", Lines: []textLine{
		{Text: "The request was for " + shorten(r.Host) + ". Tocsin answers only to the configured url, to localhost and to the address it listens on, so that no other site can imitate it."},
		{Text: "If this is its address, set it in the configuration:", Code: "url: https://" + shorten(r.Host)},
		{Text: "If Tocsin is behind a proxy, the proxy must pass on the Host of the request, for example in nginx:", Code: "proxy_set_header Host $host;"},
	}})
}

// shorten returns at most 80 bytes of a text of the client, as valid UTF-8.
func shorten(text string) string {
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
