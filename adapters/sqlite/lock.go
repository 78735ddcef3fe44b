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

// ErrInUse is what Open answers while another process has the file.
var ErrInUse = errors.New("in use")

// takeLock makes this process the only one that has the file. The lock is on
// a file beside it and dies with the process, however that ends; the name
// written into it is for whoever finds it taken.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the store (let this user write there, or choose another folder with --data): %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = writeHolder(f)
	}
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

// sign writes who holds the lock.
func writeHolder(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if failed := f.Truncate(0); failed != nil {
		return failed
	}
	_, err = fmt.Fprintf(f, "process %d on host %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	return err
}

// holder reads what sign wrote.
func lockHolder(f *os.File) string {
	line, err := io.ReadAll(io.LimitReader(f, 200))
	if who := strings.TrimSpace(string(line)); err == nil && who != "" {
		return who
	}
	return "another process"
}
