//go:build !linux

package redistest

import (
	"os/exec"
	"syscall"
)

// tie gives the program a process group of its own, so that what it forks is
// killed with it.
func tie(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// stopped cannot be known here: the signal was sent, and that has to do.
func stopped(int) (bool, error) { return true, nil }
