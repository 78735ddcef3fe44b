package alertmanager_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/alertmanager"
	"tocsin/bot/alerts"
)

// encodeUTF16 returns text in UTF-16 after a byte order mark.
func encodeUTF16(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// TestByteOrderMark: an alert is read whatever mark an editor or a shell put before it.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	const body = `{"alerts":[{"status":"firing","labels":{"alertname":"Plattenfüllstand 🔥"},"fingerprint":"a1"}]}`
	want, err := alertmanager.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"UTF-8": "\ufeff" + body, "UTF-8 and a line break": "\ufeff\r\n" + body,
		"UTF-16, little endian": encodeUTF16(body, binary.LittleEndian), "UTF-16, big endian": encodeUTF16(body, binary.BigEndian),
	} {
		got, err := alertmanager.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestI1NoAlert: a body in which nothing could be an alert is told from one whose alerts
// cannot be read (I1: a 2xx means durable).
func TestI1NoAlert(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"": true, " \r\n\t": true, "\ufeff": true, "\ufeff \n": true, "{}": true, " { } ": true, "\ufeff{}": true,
		encodeUTF16("{}", binary.LittleEndian): true, "null": true, "[]": true, "[{}]": true, `""`: true, `" "`: true, "0": true, "false": true,
		`{"alerts":null}`: true, `{"alerts":{}}`: true, `{"alerts":""}`: true, `{"status":"","labels":{}}`: true, `{"truncatedAlerts":0}`: true,
		`{"version":"4","status":"firing","alerts":null,"truncatedAlerts":0}`: true,

		`{"truncatedAlerts":3}`: false, `{"alerts":null,"truncatedAlerts":3}`: false, `{"alerts":[],"truncatedAlerts":3}`: false,
		`{"status":"firing"}`: false, `{"title":"Disk full"}`: false, `[{"labels":{"alertname":"Disk"}}]`: false, `"Disk full"`: false,
		`{`: false, `{}}`: false, `{} {"title":"Disk full"}`: false, "Disk full": false, `{"alerts":[7]}`: false,
		"[" + strings.Repeat("{},", 2000) + "{}]": false, // too long to find out
	} {
		all, err := alertmanager.Decode([]byte(body))
		if err == nil || all != nil || errors.Is(err, alerts.ErrNoAlert) != want {
			t.Errorf("%.80q: %v, %v, want ErrNoAlert %t", body, all, err, want)
		}
	}
	for _, body := range []string{`{"alerts":[]}`, `{"version":"4","alerts":[]}`} { // says that it has none
		if all, err := alertmanager.Decode([]byte(body)); err != nil || len(all) != 0 {
			t.Errorf("%s: %v, %v", body, all, err)
		}
	}
}
