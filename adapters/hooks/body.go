package hooks

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	// headSize is how many bytes of a body that is too large are kept.
	headSize = 64 * kib
	// gzipAllowance is how many bytes longer than its content a compressed body may
	// be. It also limits a stream that decompresses to nothing and never ends.
	gzipAllowance = 64 * kib
	// maxReason is the maximum length of a decoder's error in an answer, in
	// characters.
	maxReason = 300
)

// readBody returns the body, decompressed.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *fault) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	zipped := encoding == "gzip" || encoding == "x-gzip"
	maximum := limit
	if zipped {
		maximum += gzipAllowance
	}
	raw, err := readAtMost(w, r, maximum)
	large := false
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		large = true
	} else if err != nil {
		return nil, incomplete(err)
	}
	if encoding != "" && encoding != "identity" && !zipped {
		return nil, unsupportedEncoding(raw, large)
	}
	body := raw
	if zipped && len(raw) > 0 { // an empty body is not compressed either
		var whole bool
		if body, whole, err = gunzip(raw, limit); err != nil && !large {
			return nil, unreadable(raw, err)
		}
		large = large || !whole
		if len(body) == 0 && large {
			body = raw
		}
	}
	if large {
		return nil, bodyTooLarge(body, limit)
	}
	return body, nil
}

// readAtMost reads the raw body. When it is longer than the limit, it returns
// the beginning and *http.MaxBytesError.
func readAtMost(w http.ResponseWriter, r *http.Request, maximum int64) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(min(r.ContentLength, maximum)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maximum))
	return b.Bytes(), err
}

// gunzip decompresses at most limit bytes; whole reports whether that was all.
func gunzip(raw []byte, limit int64) (body []byte, whole bool, err error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, false, fmt.Errorf("decompress: %w", err)
	}
	body, err = io.ReadAll(io.LimitReader(z, limit+1))
	if int64(len(body)) > limit {
		return body[:limit], false, nil
	}
	if err != nil {
		return body, false, fmt.Errorf("decompress: %w", err)
	}
	return body, true, nil
}

// headOf returns a letter with the beginning of a body, copied so that the rest can be
// freed. more says that the body goes on after what was read of it.
func headOf(body []byte, more bool) alerts.Unreadable {
	return alerts.Unreadable{Body: bytes.Clone(body[:min(len(body), headSize)]), Truncated: more || len(body) > headSize}
}

// unreadable is the fault of a body that its decoder cannot read.
func unreadable(body []byte, err error) *fault {
	reason, _ := workflow.CleanLine(err.Error(), maxReason)
	letter := alerts.Unreadable{Body: body, Reason: reason, HasNoAlert: errors.Is(err, alerts.ErrNoAlert)}
	hint := "it is kept as a dead letter and its owner is notified; once the cause is fixed: tocsin deadletter replay"
	if letter.HasNoAlert {
		hint = "it is kept as a dead letter of low urgency; send alerts in the form that the integration's type has"
	}
	return &fault{isDeadLetter: true, letter: letter, refusal: refusal{
		status: http.StatusBadRequest, Code: "unreadable", Message: "the body cannot be read: " + reason,
		Hint: hint, detail: errors.New(reason),
	}}
}

func bodyTooLarge(body []byte, limit int64) *fault {
	return &fault{isDeadLetter: true, letter: headOf(body, true), refusal: refusal{
		status: http.StatusRequestEntityTooLarge, Code: "too_large",
		Message: "the body is larger than " + formatSize(limit),
		Hint:    "its first 64 KiB are kept as a dead letter; send fewer alerts at once",
	}}
}

// formatSize formats a limit: "4 MiB", "512 KiB".
func formatSize(limit int64) string {
	if limit%mib == 0 {
		return fmt.Sprintf("%d MiB", limit/mib)
	}
	return fmt.Sprintf("%d KiB", limit/kib)
}

// unsupportedEncoding is the fault of a body that cannot be decompressed. more says that
// it goes on after what was read of it.
func unsupportedEncoding(body []byte, more bool) *fault {
	return &fault{isDeadLetter: true, letter: headOf(body, more), refusal: refusal{
		status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding",
		Message: "the body has a Content-Encoding that is not supported",
		Hint:    "its first 64 KiB are kept as a dead letter; send it uncompressed or compressed with gzip",
	}}
}

// incomplete is the fault of a body that did not arrive whole. The sender is
// asked to send it again.
func incomplete(err error) *fault {
	ref := refusal{
		status: http.StatusServiceUnavailable, Code: "incomplete",
		Message: "the body is incomplete; send it again", detail: fmt.Errorf("read body: %w", err),
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		ref.Message = "the body took too long to arrive; send it again"
	}
	return &fault{refusal: ref}
}
