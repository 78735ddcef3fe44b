package config

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// readSecret returns the secret that a key names. See [reader.readSecretNode].
func (m *mapping) readSecret(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.readSecretNode(n, key)
}

// readSecretNode returns the value of the environment variable that a node names, or the
// content of the file that NAME_FILE names. Faults do not repeat the text of the node, which
// may be the secret itself by mistake (P4: secrets are never shown).
func (r *reader) readSecretNode(n *yaml.Node, key string) string {
	name, ok := r.readScalar(n, quote(key))
	if !ok {
		return ""
	}
	if !isVariable(name) {
		r.addFault(n, "%q must be the name of an environment variable in capitals, such as SMTP_PASSWORD; the secret itself must not be in this file", key)
		return ""
	}
	value, err := readVariable(r.options.Getenv, name, secretCheck(key))
	switch {
	case err != nil:
		r.addFault(n, "%s", err)
	case value == "":
		r.addFault(n, "the environment variable %s is not set; set it, or set %[1]s_FILE to the path of a file that holds the secret", name)
	}
	return value
}

// secretCheck returns what checks the secret of a key: passwords and signing secrets may be
// phrases, and tokens that Tocsin accepts must not be short.
func secretCheck(key string) func(string) error {
	switch key {
	case "password_env", "secret_env":
		return checkPassword
	case "token_env", "token_envs":
		return CheckToken
	}
	return checkWord
}

// isVariable reports whether a text is the name of an environment variable in
// capitals, digits and underscores.
func isVariable(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return text != "" && len(text) <= 64 && countDigits(text) == 0 && strings.Trim(text, letters+"0123456789") == ""
}
