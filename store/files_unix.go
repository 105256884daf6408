//go:build unix

package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// leastFiles is how many files must be allowed to be open at once for one project to be stored.
const leastFiles = 128

// enoughFiles reports a limit on open files with which nothing would work.
func enoughFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= leastFiles {
		return nil
	}
	return fmt.Errorf("%w: this process may have %d files open at once and needs %d: raise the limit (ulimit -n 1024) and start again",
		ErrUnavailable, limit.Cur, leastFiles)
}
