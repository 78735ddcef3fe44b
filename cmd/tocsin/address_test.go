package main

import (
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
)

// Every address to listen on has a URL that can be opened.
func TestOpenableURL(t *testing.T) {
	for _, c := range []struct {
		ip, zone, want string
		isHere         bool
	}{
		{"127.0.0.1", "", "http://127.0.0.1:8080", false},
		{"::1", "", "http://[::1]:8080", false},
		{"192.0.2.7", "", "http://192.0.2.7:8080", false},
		{"0.0.0.0", "", "http://localhost:8080", true},
		{"::", "", "http://localhost:8080", true},
		{"", "", "http://localhost:8080", true},
		{"::ffff:0.0.0.0", "", "http://localhost:8080", true},
		{"fe80::1", "eth0", "http://[fe80::1%25eth0]:8080", false},
	} {
		addr := &net.TCPAddr{IP: net.ParseIP(c.ip), Port: 8080, Zone: c.zone}
		got, isHere := openableURL(addr)
		if got != c.want || isHere != c.isHere {
			t.Errorf("%s is opened by %s, on this machine alone: %t", addr, got, isHere)
		}
		if u, err := url.Parse(got); err != nil || u.Port() != "8080" {
			t.Errorf("%s: %v", got, err)
		}
	}
}

// A server that listens for others and has no url says what to set.
func TestAdviseURL(t *testing.T) {
	log := &lockedBuffer{}
	s := &server{address: "http://localhost:8080", log: slog.New(slog.NewTextHandler(log, nil))}
	s.adviseURL(&net.TCPAddr{IP: net.IPv6zero, Port: 8080})
	for _, want := range []string{"links=http://localhost:8080", "set url in the configuration", `example="url: http://` + hostname() + `:8080"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("it does not say %s: %s", want, log.String())
		}
	}
}
