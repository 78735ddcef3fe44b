package alertmanager

import (
	"bytes"
	"encoding/json"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxEmpty is the maximum length of a body that holds nothing, in bytes without the
// white space around it. A longer one is not decoded to find out.
const maxEmpty = 4096

// decodeText returns a body as UTF-8 without its byte order mark. UTF-16 is recognized
// by that mark alone.
func decodeText(body []byte) []byte {
	if len(body) == 0 || body[0] != 0xef && body[0] != 0xfe && body[0] != 0xff {
		return body
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), body)
	if err != nil {
		return body // the JSON decoder says where it is wrong
	}
	return text
}

// holdsNothing reports whether a body that cannot be read is well-formed and holds
// nothing that could be an alert: no value but empty ones, or null for the list of
// alerts.
func holdsNothing(body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return true
	}
	var value any
	if len(body) > maxEmpty || json.Unmarshal(body, &value) != nil {
		return false
	}
	if object, ok := value.(map[string]any); ok && isEmpty(object["truncatedAlerts"]) {
		if list, ok := object["alerts"]; ok && list == nil {
			return true
		}
	}
	return isEmpty(value)
}

// isEmpty reports whether a JSON value and all values in it are null, false, 0, blank
// or without members.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v) == ""
	case bool:
		return !v
	case float64:
		return v == 0
	case []any:
		for _, member := range v {
			if !isEmpty(member) {
				return false
			}
		}
	case map[string]any:
		for _, member := range v {
			if !isEmpty(member) {
				return false
			}
		}
	}
	return true
}
