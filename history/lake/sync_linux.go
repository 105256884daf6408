package lake

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncFile leaves it to Flush to make a file durable.
func syncFile(*os.File) error { return nil }

// Flush makes all files that were put durable.
func (f Folder) Flush() error {
	dir, err := os.Open(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was put
	}
	if err == nil {
		err = errors.Join(unix.Syncfs(int(dir.Fd())), dir.Close())
	}
	if err != nil {
		return fmt.Errorf("lake: making files durable: %w", err)
	}
	return nil
}
