package redis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/workflow"
)

// Messages implements [bot.Messages].
func (s *Store) Messages(ctx context.Context, incident string, before, limit int) ([]bot.StoredMessage, error) {
	n := workflow.NumberOf(incident)
	if limit <= 0 {
		return nil, nil
	}
	var compact string
	var texts []string
	err := s.read(ctx, func() error {
		end := int64(-1)
		if before != 0 {
			length, err := s.client.LLen(ctx, s.keys.incident(n, partMessages)).Result()
			if err != nil {
				return err
			}
			end = min(int64(before)-1, length) - 1 // the list never shrinks
			if end < 0 {
				end = -1 << 40
			}
		}
		start := end - int64(limit) + 1
		if end >= 0 {
			start = max(start, 0)
		}
		batch := s.client.TxPipeline()
		form := batch.HGet(ctx, s.keys.incident(n, partIncident), fieldCompact)
		some := batch.LRange(ctx, s.keys.incident(n, partMessages), start, end)
		_, err := batch.Exec(ctx)
		compact, texts = form.Val(), some.Val()
		return ignoreNil(err)
	})
	if err != nil {
		return nil, fmt.Errorf("read the messages of %s: %w", incident, err)
	}
	if compact != "" {
		d, err := bot.Expand([]byte(compact))
		if err != nil {
			return nil, fmt.Errorf("read the messages of %s: %w", incident, err)
		}
		to := len(d.Messages)
		if before != 0 {
			to = min(to, max(before-1, 0))
		}
		return d.Messages[max(to-limit, 0):to], nil
	}
	all := make([]bot.StoredMessage, 0, len(texts))
	for _, text := range texts {
		m, err := decodeMessage(text)
		if err != nil {
			return nil, fmt.Errorf("read the messages of %s: %w", incident, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// messageSum is the SHA-1 sum of the messages as their list has them; archive.lua
// computes the same. It detects edits and protects no secret.
func messageSum(all []bot.StoredMessage) string {
	sum := sha1.New()
	for _, m := range all {
		fmt.Fprintf(sum, "%d %d %s%s", m.Seq, len(m.Key), m.Key, m.Body)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// ignoreNil turns the library's error for a missing value into nil.
func ignoreNil(err error) error {
	if err == goredis.Nil { //nolint:errorlint // the library's own
		return nil
	}
	return err
}

// decodeMessage decodes an element of a list of messages: "SEQ LENGTH KEYBODY", where
// LENGTH is that of the key.
func decodeMessage(text string) (bot.StoredMessage, error) {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) == 3 {
		seq, err1 := strconv.Atoi(parts[0])
		width, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil && width >= 0 && width <= len(parts[2]) {
			return bot.StoredMessage{Key: parts[2][:width], Seq: seq, Body: bytesOf(parts[2][width:])}, nil
		}
	}
	return bot.StoredMessage{}, fmt.Errorf("decode a message: it is damaged: %.40q", text)
}
