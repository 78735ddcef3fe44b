package bot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// kindInstallation is the kind of the record that names this installation.
const kindInstallation = "installation"

// markID is the ID of that record.
const markID = "mark"

// InstallationMark returns the mark of the installation: eight hexadecimal digits,
// random, made once for each store. Platforms write it into what they create, so that a
// second installation on the same platform, such as one for staging, does not take
// INC-1 of the first for its own. Two stores never have the same mark, also when they
// share their secrets, unless one was imported from the other.
func InstallationMark(ctx context.Context, store interface {
	Records
	Committer
}, at time.Time,
) (string, error) {
	for {
		rec, err := store.Get(ctx, kindInstallation, markID)
		if err == nil {
			return string(rec.Body), nil
		}
		if !errors.Is(err, ErrNotFound) {
			return "", fmt.Errorf("read the mark of the installation: %w", err)
		}
		raw := make([]byte, 4)
		rand.Read(raw) // it never fails (crypto/rand)
		_, err = store.Commit(ctx, Commit{At: at, Records: []RecordChange{{Kind: kindInstallation, ID: markID, Body: []byte(hex.EncodeToString(raw))}}})
		if err != nil && !errors.Is(err, ErrConflict) { // another replica has just made it
			return "", fmt.Errorf("store the mark of the installation: %w", err)
		}
	}
}
