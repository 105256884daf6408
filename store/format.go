package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the version of the folder's layout and of the log's messages that this
// program writes; formatNeeds is the first version of Bellwether that reads it.
const (
	format      = 1
	formatNeeds = "0.1.0"
)

// checkFormat reads dir/FORMAT, writing it when the folder is new. The file is one
// line, "bellwether store FORMAT needs VERSION", so that an older program can say
// which version it would take.
func checkFormat(dir string) error {
	path := filepath.Join(dir, "FORMAT")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return writeFormat(path)
	}
	if err != nil {
		return err
	}
	var version int
	var needs string
	if _, err := fmt.Sscanf(string(text), "bellwether store %d needs %s", &version, &needs); err != nil {
		return fmt.Errorf("%s is damaged (%q): restore it from a backup", path, text)
	}
	return acceptFormat(dir, version, needs)
}

// acceptFormat refuses a format that is newer than this program's.
func acceptFormat(where string, version int, needs string) error {
	if version > format {
		return fmt.Errorf("%w: %s has format %d, which needs Bellwether %s or later (this one reads up to format %d)",
			ErrNewerFormat, where, version, needs, format)
	}
	return nil
}

// writeFormat writes the file so that it is whole or absent after a crash.
func writeFormat(path string) error {
	temporary := path + ".new"
	f, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "bellwether store %d needs %s\n", format, formatNeeds)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	dir, err := vfs.Default.OpenDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lockFolder keeps others out of dir until the result is closed or the process ends.
func lockFolder(dir string) (io.Closer, error) {
	lock, err := vfs.Default.Lock(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s is open in another process; stop that one first, or use another folder (%w)", ErrLocked, dir, err)
	}
	return lock, nil
}
