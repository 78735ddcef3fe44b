package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSecret is the maximum size of a secret file, in bytes.
	maxSecret = 64 << 10
	// minToken is the minimum length of a token that Tocsin accepts: a shorter one can be
	// guessed.
	minToken = 16
)

// ReadVariable returns the value of an environment variable, or the content of the file
// that NAME_FILE names; "" when neither is set. Every secret and setting outside the
// configuration is read here: what no secret has, white space around it and a byte order
// mark, is trimmed, and what is no secret is refused with an error that does not repeat it
// (P4b: what is no secret is refused). A nil getenv is [os.Getenv].
func ReadVariable(getenv func(string) string, name string) (string, error) {
	return readVariable(getenv, name, checkWord)
}

// ReadToken is [ReadVariable] for a token that Tocsin itself accepts, which must not be short.
func ReadToken(getenv func(string) string, name string) (string, error) {
	return readVariable(getenv, name, CheckToken)
}

// ReadSecretFile returns the secret in a file that Tocsin has made. The error wraps
// [fs.ErrNotExist] when there is none.
func ReadSecretFile(path string) (string, error) {
	raw, err := readLimited(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	value := trimSecret(raw)
	if err := checkWord(value); err != nil {
		return "", fmt.Errorf("the file %s %w, or remove the file, so that a new secret is made", path, err)
	}
	return value, nil
}

// CheckToken returns what is wrong with a token that Tocsin itself accepts. The error
// completes a sentence that begins with where the token is.
func CheckToken(value string) error {
	if err := checkWord(value); err != nil {
		return err
	}
	if len(value) < minToken {
		return fmt.Errorf("is shorter than %d characters, the minimum of a token, and could be guessed; make one with: openssl rand -hex 24", minToken)
	}
	return nil
}

// readVariable returns the trimmed value of a variable or its file. check returns what is
// wrong with it.
func readVariable(getenv func(string) string, name string, check func(string) error) (string, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	raw, where := getenv(name), name
	if raw == "" {
		path := trimSecret(getenv(name + "_FILE"))
		if path == "" {
			return "", nil
		}
		where = "the file that " + name + "_FILE names"
		var err error
		if raw, err = readLimited(path); err != nil {
			return "", fmt.Errorf("%s cannot be read: %s", where, rootCause(err))
		}
	}
	value := trimSecret(raw)
	err := check(value)
	if strings.HasPrefix(value, name+"=") {
		err = errors.New("begins with the name of the variable; write the secret alone")
	}
	if err != nil {
		return "", fmt.Errorf("%s %w", where, err)
	}
	return value, nil
}

// readLimited returns the content of a secret file.
func readLimited(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err == nil && len(raw) > maxSecret {
		err = errors.New("it is larger than 64 KiB")
	}
	return string(raw), errors.Join(err, file.Close())
}

// rootCause returns the text of an error without the path, which may be a
// secret by mistake.
func rootCause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return firstLine(err.Error())
}

// trimSecret removes what editors, shells and copying add at the ends of a secret: white
// space, line breaks, a byte order mark and other characters without width.
func trimSecret(raw string) string {
	return strings.TrimFunc(raw, func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) })
}

// checkPassword returns what is wrong with a password, which may be a phrase.
func checkPassword(value string) error {
	isHidden := func(c rune) bool { return !unicode.IsPrint(c) }
	switch first, _ := utf8.DecodeRuneInString(value); {
	case strings.HasPrefix(value, "\xff\xfe"), strings.HasPrefix(value, "\xfe\xff"), strings.Contains(value, "\x00"):
		return errors.New("is text in UTF-16, as PowerShell writes it; save it as UTF-8 without a byte order mark")
	case !utf8.ValidString(value):
		return errors.New("is not text in UTF-8; save it as UTF-8")
	case value == "":
		return errors.New("is empty; write the secret into it")
	case strings.ContainsAny(value, "\r\n\u2028\u2029"):
		return errors.New("has more than one line; write the secret alone, on one line")
	case strings.ContainsFunc(value, isHidden):
		hidden := []rune(value)[strings.IndexFunc(value, isHidden):]
		return fmt.Errorf("has a character that cannot be seen, %U; copy the secret again, without it", hidden[0])
	case len(value) > 1 && isQuotePair(first, value):
		return errors.New("is in quotes, which would be a part of it; write it without them")
	case notReplaced().MatchString(value):
		return errors.New("has a variable in it that was not replaced, such as ${NAME}; write the secret itself")
	case isPlaceholder(value):
		return errors.New("is a placeholder; write the secret itself")
	}
	return nil
}

// checkWord returns what is wrong with a secret that is sent in a header: it is one word
// of ASCII.
func checkWord(value string) error {
	if err := checkPassword(value); err != nil {
		return err
	}
	switch {
	case strings.ContainsFunc(value, unicode.IsSpace):
		return errors.New("has white space inside; write the secret alone")
	case strings.HasSuffix(value, "...") || strings.HasSuffix(value, "…") || strings.Contains(value, "****"):
		return errors.New("is cut off or hidden; copy the whole secret")
	case strings.ContainsFunc(value, func(c rune) bool { return c > unicode.MaxASCII }):
		return errors.New("has a character that is not ASCII, which cannot be sent in a header; copy the secret again")
	case strings.Trim(value, "\"'`") != value:
		return errors.New("has a quote at one end; write it without quotes")
	}
	return nil
}

// isQuotePair reports whether a text is in quotes, which env files and YAML keep as a part
// of the value.
func isQuotePair(first rune, value string) bool {
	last, _ := utf8.DecodeLastRuneInString(value)
	return slices.Contains([]string{`""`, "''", "``", "“”", "‘’", "„“", "«»"}, string(first)+string(last))
}

// notReplaced matches what a shell, an env file or a template should have replaced.
func notReplaced() *regexp.Regexp {
	return regexp.MustCompile(`^\$+[A-Z_][A-Z0-9_]*$|^\$\w+_\w+$|\$\{[^{}]*\}|\$\([^()]*\)|\{\{.*\}\}|^%\w+%$|^<.*>$`)
}

// isPlaceholder reports whether a text stands for a secret that was to be written there.
func isPlaceholder(value string) bool {
	bare := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(value))
	words := regexp.MustCompile(`^(change(it|this)|replace(this|with)|(insert|enter|put)(your|the|secret|token|password)|placeholder)|` +
		`(change|replace)me|your(own|api|hook|bot|webhook|secret|token|password|key)|(token|secret|password)here|xxxxxx|^(to.?do|tb[ad]|fix.?me|null|nil|none|undefined|redacted|unset)$`)
	return words.MatchString(bare) || len(value) > 2 && strings.Trim(value, value[:1]) == ""
}
