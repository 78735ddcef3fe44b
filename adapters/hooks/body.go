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

	"tocsin/workflow"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	// headSize is how much is kept of a body that is too large.
	headSize = 64 * kib
	// gzipSlack is how much longer than its content a compressed body may be. It
	// also bounds a stream that has no content at all and never ends.
	gzipSlack = 64 * kib
	// maxReason is how many characters of a decoder's error are repeated.
	maxReason = 300
)

// read returns the body, decompressed.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *fault) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	zipped := encoding == "gzip" || encoding == "x-gzip"
	most := limit
	if zipped {
		most += gzipSlack
	}
	raw, err := readAtMost(w, r, most)
	tooLarge := false
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		tooLarge = true
	} else if err != nil {
		return nil, brokenOff(err)
	}
	if encoding != "" && encoding != "identity" && !zipped {
		return nil, unsupported(head(raw))
	}
	body := raw
	if zipped {
		var whole bool
		if body, whole, err = gunzip(raw, limit); err != nil && !tooLarge {
			return nil, unreadable(raw, err)
		}
		tooLarge = tooLarge || !whole
		if len(body) == 0 && tooLarge {
			body = raw
		}
	}
	if tooLarge {
		return nil, oversize(head(body), limit)
	}
	return body, nil
}

// readAtMost reads the raw body. Of one that is longer it returns the
// beginning, and *http.MaxBytesError.
func readAtMost(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(min(r.ContentLength, most)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	return b.Bytes(), err
}

// gunzip decompresses no more than limit bytes, however many there are: whole
// says whether that was all.
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

// head is the beginning of a body, free of the rest of it.
func head(body []byte) []byte {
	return bytes.Clone(body[:min(len(body), headSize)])
}

// unreadable is a delivery that its decoder could not make sense of.
func unreadable(body []byte, err error) *fault {
	reason, _ := workflow.CleanLine(err.Error(), maxReason)
	return &fault{dead: true, body: body, reason: reason, refusal: refusal{
		status: http.StatusBadRequest, Code: "unreadable", Message: "the body cannot be read: " + reason,
		Hint:   "it is kept as a dead letter and its owner is told; once its cause is mended: tocsin deadletter replay",
		detail: errors.New(reason),
	}}
}

func oversize(head []byte, limit int64) *fault {
	return &fault{dead: true, body: head, refusal: refusal{
		status: http.StatusRequestEntityTooLarge, Code: "too_large",
		Message: "the body is larger than " + size(limit),
		Hint:    "its first 64 KiB are kept as a dead letter; send fewer alerts at once",
	}}
}

// size writes a limit for people.
func size(limit int64) string {
	if limit%mib == 0 {
		return fmt.Sprintf("%d MiB", limit/mib)
	}
	return fmt.Sprintf("%d KiB", limit/kib)
}

func unsupported(head []byte) *fault {
	return &fault{dead: true, body: head, refusal: refusal{
		status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding",
		Message: "the body has a Content-Encoding that is not understood",
		Hint:    "its first 64 KiB are kept as a dead letter; send it as it is, or compressed with gzip",
	}}
}

// brokenOff is a body that did not arrive whole. Whoever still listens is to
// send it again.
func brokenOff(err error) *fault {
	no := refusal{
		status: http.StatusServiceUnavailable, Code: "incomplete",
		Message: "the body broke off before its end; send it again", detail: fmt.Errorf("read body: %w", err),
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		no.Message = "the body took too long to arrive; send it again"
	}
	return &fault{refusal: no}
}
