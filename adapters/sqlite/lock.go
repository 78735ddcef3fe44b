package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrInUse is returned by Open while another process has the file open.
var ErrInUse = errors.New("in use")

// takeLock locks the store for this process. The lock is on a separate file, and the
// system releases it when the process ends, also after a crash. An existing file is
// not changed; writeHolder does that.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the store (let this user write there, or choose another folder with --data): %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("open the store: %s is %w by %s; one process a file: stop it, or name another folder with --data; for many replicas set REDIS_URL", path, ErrInUse, lockHolder(f))
	default:
		err = fmt.Errorf("lock the store: %w", err)
	}
	return nil, errors.Join(err, f.Close())
}

// writeHolder writes into the lock file which process holds the lock, for the error
// message of a second process.
func writeHolder(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "process %d on host %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	}
	if err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	return nil
}

// lockHolder reads what writeHolder wrote.
func lockHolder(f *os.File) string {
	line, err := io.ReadAll(io.LimitReader(f, 200))
	if name := strings.TrimSpace(string(line)); err == nil && name != "" {
		return name
	}
	return "another process"
}
