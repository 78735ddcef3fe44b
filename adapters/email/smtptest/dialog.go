package smtptest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// dialog is one session of a [Scripted] server.
type dialog struct {
	server *Scripted
	conn   net.Conn
	in     *bufio.Scanner
	secure bool
	mail   Received
}

// run serves the session to its end.
func (d *dialog) run() {
	if d.server.script.ImplicitTLS && !d.encrypt() {
		return
	}
	if _, ok := d.reply(StepGreeting, "220 hello"); !ok {
		return
	}
	for d.in.Scan() {
		line := d.in.Text()
		verb, arguments, _ := strings.Cut(line, " ")
		if !d.handle(Step(strings.ToUpper(verb)), arguments) {
			return
		}
	}
}

// handle answers one command. ok is false when the session is over.
func (d *dialog) handle(step Step, arguments string) (ok bool) {
	usual := "250 fine"
	switch step {
	case StepEHLO, StepHELO:
		d.mail.Hello = arguments
		if step == StepEHLO {
			usual = d.extensions()
		}
	case StepStartTLS:
		answer, open := d.reply(step, "220 go on")
		if !open || answer[0] != '2' {
			return open
		}
		return d.encrypt()
	case StepMailFrom:
		d.mail.From = arguments
	case StepRcptTo:
		d.mail.To = arguments
	case StepAuth:
		usual = "235 welcome"
	case StepData:
		answer, open := d.reply(step, "354 go on")
		if !open || answer[0] != '3' {
			return open
		}
		return d.readMail()
	case StepQuit:
		d.reply(step, "221 bye")
		return false
	case StepHandshake, StepGreeting, StepText, StepDot: // not commands
		usual = ""
	default:
		usual = ""
	}
	if usual == "" {
		d.server.tb.Errorf("unexpected command %q", string(step)+" "+arguments)
		return false
	}
	_, ok = d.reply(step, usual)
	return ok
}

// extensions returns the reply to EHLO.
func (d *dialog) extensions() string {
	all := slices.Clone(d.server.script.Extensions)
	if c := d.server.script; c.Certificate != nil && !d.secure {
		all = append(all, "STARTTLS")
	}
	lines := append([]string{"hello"}, all...)
	for n := range lines {
		mark := "-"
		if n == len(lines)-1 {
			mark = " "
		}
		lines[n] = "250" + mark + lines[n]
	}
	return strings.Join(lines, "\r\n")
}

// readMail reads the lines of a mail and answers its end.
func (d *dialog) readMail() (ok bool) {
	if d.behave(StepText) == nil {
		return false
	}
	var lines []string
	for d.in.Scan() && d.in.Text() != "." {
		lines = append(lines, strings.TrimPrefix(d.in.Text(), "."))
	}
	if d.in.Text() != "." {
		return false
	}
	d.mail.Text = strings.Join(lines, "\n")
	s := d.server
	s.mu.Lock()
	n := len(s.received)
	s.received = append(s.received, d.mail)
	s.mu.Unlock()
	answer, ok := d.reply(StepDot, "250 accepted")
	if ok && answer[0] == '2' {
		s.mu.Lock()
		s.received[n].Accepted = true
		s.mu.Unlock()
	}
	return ok
}

// reply answers at a step, as the script says. It returns the reply; ok is false
// when the session is over.
func (d *dialog) reply(step Step, usual string) (text string, ok bool) {
	how := d.behave(step)
	switch {
	case how == nil:
		return "", false
	case how.Text != "":
		usual = how.Text
	}
	_, err := fmt.Fprintf(d.conn, "%s\r\n", usual)
	return usual, err == nil
}

// behave does what the script says of a step, up to the reply. It returns nil
// when there is none, and the session is over.
func (d *dialog) behave(step Step) *Reply {
	s := d.server
	s.mu.Lock()
	reached := s.reachedLocked(step)
	select {
	case <-reached:
	default:
		close(reached)
	}
	s.mu.Unlock()
	how := s.script.Replies[step]
	switch {
	case how.After != nil:
		select {
		case <-how.After:
		case <-s.stopped:
			return nil
		}
	case how.Delay > 0:
		select {
		case <-time.After(how.Delay):
		case <-s.stopped:
			return nil
		}
	case how.Hang:
		if step != StepText {
			_, _ = io.Copy(io.Discard, d.conn) // until the client gives up
			return nil
		}
		<-s.stopped
		return nil
	case how.Trickle:
		d.trickle()
		return nil
	case how.Drop:
		return nil
	}
	return &how
}

// trickle sends a byte each second until the client gives up.
func (d *dialog) trickle() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range tick.C {
		if _, err := d.conn.Write([]byte("2")); err != nil {
			return
		}
	}
}

// encrypt begins TLS.
func (d *dialog) encrypt() (ok bool) {
	if d.behave(StepHandshake) == nil {
		return false
	}
	conn := tls.Server(d.conn, &tls.Config{Certificates: []tls.Certificate{*d.server.script.Certificate}, MinVersion: tls.VersionTLS12})
	if conn.HandshakeContext(d.server.tb.Context()) != nil {
		return false
	}
	d.conn, d.in, d.secure = conn, bufio.NewScanner(conn), true
	return true
}
