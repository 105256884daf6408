package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the version of the folder's layout and of the log's messages and records that this
// program writes; formatNeeds is the first version of Bellwether that reads it.
const (
	format      = 2
	formatNeeds = "0.2.0"
	formatFile  = "FORMAT"
)

// checkFormat reads dir's FORMAT, writing it when the folder is new. It reports whether the
// folder must be migrated first.
func checkFormat(dir string) (old bool, err error) {
	path := filepath.Join(dir, formatFile)
	version, needs, err := readFormat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, writeFormat(path)
	}
	if err != nil {
		return false, err
	}
	return version < format, acceptFormat(dir, version, needs)
}

// readFormat reads a FORMAT. The file is one line, "bellwether store FORMAT needs VERSION", so
// that an older program can say which version it would take.
func readFormat(path string) (version int, needs string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, "", err
	}
	if _, err := fmt.Sscanf(string(text), "bellwether store %d needs %s", &version, &needs); err != nil || version < 1 {
		return 0, "", fmt.Errorf("%s is damaged (%q): restore it from a backup", path, text)
	}
	return version, needs, nil
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
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	dir, err := vfs.Default.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lockFolder keeps others out of dir until the result is closed or the process ends.
func lockFolder(dir string) (io.Closer, error) {
	lock, err := vfs.Default.Lock(filepath.Join(dir, "LOCK"))
	if refused(err) {
		return nil, fmt.Errorf("%w: %s cannot be written: make it writable for this program, or use another folder (%w)", ErrUnavailable, dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s is open in another process; stop that one first, or use another folder (%w)", ErrLocked, dir, err)
	}
	return lock, nil
}
