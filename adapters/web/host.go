package web

import (
	"cmp"
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
	if isLocal(name) && net.ParseIP(name) == nil {
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

// isLocal reports whether a host without a port is this machine, for its own browser.
func isLocal(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}

// isHTTPS reports whether the browser speaks https, to us or to a proxy that ends TLS.
// Only what the request says counts, not the configured url: a server whose url begins
// with https may be opened by plain http, and a Secure cookie would be lost there.
func (s *Server) isHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	// A browser names the scheme of the page that sends a form.
	if u, err := url.Parse(r.Header.Get("Origin")); err == nil && u.Host != "" && s.isOurs(u.Hostname(), r) {
		return u.Scheme == "https"
	}
	if scheme := forwardedScheme(r.Header); scheme != "" {
		return scheme == "https"
	}
	// A browser sends these headers over https, and to its own machine, alone (Fetch Metadata).
	return r.Header.Get("Sec-Fetch-Site") != "" && !isLocal(hostname(r.Host))
}

// isOurs reports whether a host is that of the request or of the configured address.
func (s *Server) isOurs(name string, r *http.Request) bool {
	u, err := url.Parse(s.Engine.Organization().URL)
	return strings.EqualFold(name, hostname(r.Host)) || err == nil && strings.EqualFold(name, u.Hostname())
}

// forwardedScheme returns the scheme that the first proxy was asked with: "http",
// "https", or "" when no proxy says it (X-Forwarded-Proto; Forwarded of RFC 7239).
func forwardedScheme(h http.Header) string {
	first, _, _ := strings.Cut(h.Get("X-Forwarded-Proto"), ",")
	element, _, _ := strings.Cut(h.Get("Forwarded"), ",")
	for part := range strings.SplitSeq(element, ";") {
		if key, value, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(key), "proto") && first == "" {
			first = strings.Trim(value, `" `)
		}
	}
	if first == "" && strings.EqualFold(h.Get("X-Forwarded-Ssl"), "on") {
		first = "https"
	}
	return strings.ToLower(strings.TrimSpace(first))
}

// writeUnknownHost answers a request whose Host is not ours.
func (s *Server) writeUnknownHost(w http.ResponseWriter, r *http.Request) {
	asked, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
	asked = shorten(cmp.Or(strings.TrimSpace(asked), r.Host)) // what the browser asked the proxy for
	lines := []textLine{
		{Text: "The request was for " + shorten(r.Host) + ". Tocsin answers only to the configured url, to localhost and to the address it listens on, so that no other site can imitate it."},
	}
	if u, err := url.Parse(s.Engine.Organization().URL); err == nil && !isLocal(u.Hostname()) {
		lines = append(lines, textLine{Text: "Open it at its address:", Code: s.Engine.Organization().URL})
	}
	if s.isHTTPS(r) {
		lines = append(lines, textLine{Text: "If " + asked + " is to be its address, set it in the configuration:", Code: "url: https://" + asked})
	} else {
		lines = append(
			lines,
			textLine{Text: "If " + asked + " is to be its address, set it in the configuration. It was opened without TLS:", Code: "url: http://" + asked},
			textLine{Text: "Or, if a proxy in front of Tocsin ends TLS and people open it by https:", Code: "url: https://" + asked},
		)
	}
	s.writeErrorPage(w, r, http.StatusMisdirectedRequest, errorPage{Title: "Tocsin does not answer to this address", Lines: append(
		lines,
		textLine{Text: "A proxy must pass on the Host of the request and its scheme, for example in nginx:", Code: "proxy_set_header Host $host;"},
		textLine{Text: "and:", Code: "proxy_set_header X-Forwarded-Proto $scheme;"},
	)})
}

// shorten returns at most 80 bytes of a text of the client, as valid UTF-8.
func shorten(text string) string {
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
