package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// answerTime is how long a server may take to reply to a command.
const answerTime = 5 * time.Second

// Error is an error reply of a server, for example "MOVED 3999 127.0.0.1:6381".
type Error string

func (e Error) Error() string { return string(e) }

// client is a RESP2 client with one connection:
// https://redis.io/docs/latest/develop/reference/protocol-spec/
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(addr, password string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, answerTime) //nolint:noctx // it has its own deadline, and outlives the test's context
	if err != nil {
		return nil, err
	}
	c := &client{conn, bufio.NewReader(conn)}
	if password == "" {
		return c, nil
	}
	if _, err = c.do("AUTH", password); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// do sends one command on a connection of its own.
func do(addr, password string, args ...string) (any, error) {
	c, err := dial(addr, password)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.do(args...)
}

func (c *client) close() { _ = c.conn.Close() } // no reply is outstanding

func (c *client) do(args ...string) (any, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(c.conn, command.String()); err != nil {
		return nil, err
	}
	answer, err := c.read()
	if refusal, ok := answer.(Error); ok {
		return nil, refusal
	}
	return answer, err
}

// read reads one reply. An error inside a list is an element of type [Error].
func (c *client) read() (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(line, "\r\n") || len(line) < 3 {
		return nil, fmt.Errorf("read an answer: odd line %q", line)
	}
	kind, rest := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return Error(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read an answer: %w", err)
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil //nolint:nilnil // RESP's null
	case kind == '$':
		text := make([]byte, n+2)
		_, err = io.ReadFull(c.r, text)
		return string(text[:n]), err
	case kind != '*':
		return nil, fmt.Errorf("read an answer: odd line %q", line)
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = c.read(); err != nil {
			return nil, err
		}
	}
	return list, nil
}
