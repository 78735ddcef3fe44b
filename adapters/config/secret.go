package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// maxSecret is the maximum size of a secret file, in bytes.
const maxSecret = 64 << 10

// readSecret returns the value of the environment variable that a key names,
// or the content of the file that NAME_FILE names. Faults do not repeat the
// value of the key, which may be the secret itself by mistake (P4: secrets are
// never shown).
func (m *mapping) readSecret(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.readSecretNode(n, key)
}

// readSecretNode returns the secret that a node names.
func (r *reader) readSecretNode(n *yaml.Node, key string) string {
	name, ok := r.readScalar(n, quote(key))
	if !ok {
		return ""
	}
	if !isVariable(name) {
		r.addFault(n, "%q must be the name of an environment variable in capitals, such as SMTP_PASSWORD; the secret itself must not be in this file", key)
		return ""
	}
	if value := r.options.Getenv(name); value != "" {
		return value
	}
	path := r.options.Getenv(name + "_FILE")
	if path == "" {
		r.addFault(n, "the environment variable %s is not set; set it, or set %[1]s_FILE to the path of a file that holds the secret", name)
		return ""
	}
	value, err := readSecretFile(path)
	if err != nil {
		r.addFault(n, "the file that %s_FILE names cannot be read: %s", name, rootCause(err))
		return ""
	}
	if value == "" {
		r.addFault(n, "the file that %s_FILE names is empty; write the secret into it", name)
	}
	return value
}

// readSecretFile returns the content of a file without line breaks at its end.
func readSecretFile(path string) (string, error) {
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

// rootCause returns the text of an error without the path, which may be a
// secret by mistake.
func rootCause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return firstLine(err.Error())
}

// isVariable reports whether a text is the name of an environment variable in
// capitals, digits and underscores.
func isVariable(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return text != "" && len(text) <= 64 && countDigits(text) == 0 && strings.Trim(text, letters+"0123456789") == ""
}
