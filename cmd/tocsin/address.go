package main

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
)

// openableURL returns a URL that opens the server which listens at an address, and whether
// it opens on this machine alone: the server is reached by its IP address, and by localhost
// when it listens on all of them ("0.0.0.0", "[::]", ":8080"), which cannot be opened.
func openableURL(addr net.Addr) (address string, isHere bool) {
	a, ok := addr.(*net.TCPAddr)
	if !ok {
		return "http://" + addr.String(), false
	}
	host := a.IP.String()
	switch {
	case len(a.IP) == 0 || a.IP.IsUnspecified():
		host = "localhost"
	case a.Zone != "":
		host += "%" + a.Zone
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(a.Port))}
	return u.String(), host == "localhost"
}

// adviseURL logs what to set when links open on this machine alone although the server
// listens for others.
func (s *server) adviseURL(addr net.Addr) {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return
	}
	s.log.Warn("url is not set, so the links in pages, mails and chat open on this machine alone; set url in the configuration to the address that people open",
		"links", s.address, "example", "url: http://"+net.JoinHostPort(cmp.Or(hostname(), "tocsin.example.com"), port))
}
