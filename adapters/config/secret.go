package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// maxSecret is the largest secret file, in bytes: a token, not a database.
const maxSecret = 64 << 10

// secret returns the value of the environment variable that a key names, or
// the content of the file that NAME_FILE names. No fault repeats what was
// found: somebody may have put the secret where its name belongs.
func (m *mapping) secret(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.secretOf(n, key)
}

func (r *reader) secretOf(n *yaml.Node, key string) string {
	name, ok := r.scalar(n, quote(key))
	if !ok {
		return ""
	}
	if !isVariable(name) {
		r.fault(n, "%q wants the name of an environment variable in capitals, such as SMTP_PASSWORD; the secret itself never stands in this file", key)
		return ""
	}
	if value := r.options.Getenv(name); value != "" {
		return value
	}
	path := r.options.Getenv(name + "_FILE")
	if path == "" {
		r.fault(n, "the environment variable %s is not set; set it, or set %[1]s_FILE to the path of a file that holds the secret", name)
		return ""
	}
	value, err := readSecret(path)
	if err != nil {
		r.fault(n, "the file that %s_FILE names cannot be read: %s", name, cause(err))
		return ""
	}
	if value == "" {
		r.fault(n, "the file that %s_FILE names is empty; write the secret into it", name)
	}
	return value
}

func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err == nil && len(raw) > maxSecret {
		err = errors.New("it is larger than 64 KiB")
	}
	return strings.TrimRight(string(raw), "\r\n"), errors.Join(err, file.Close())
}

// cause is the error without the path, which may be a secret in the wrong
// place.
func cause(err error) string {
	if e, is := errors.AsType[*fs.PathError](err); is {
		err = e.Err
	}
	return firstLine(err.Error())
}

// isVariable reports whether text is the name of an environment variable as
// people write them: capitals, digits and underscores.
func isVariable(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return text != "" && len(text) <= 64 && digits(text) == 0 && strings.Trim(text, letters+"0123456789") == ""
}
