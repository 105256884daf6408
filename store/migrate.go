package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Folders within the data folder while it is migrated, and afterwards.
const (
	freshFolder = "migrating" // what is written; its own FORMAT says that it is whole
	asideFolder = "format-1"  // what was there before, until a person deletes it
	natsFolder  = "nats"
	viewsFolder = "views"
)

// migrate brings the folder from format 1 to today's: it writes everything anew into a folder
// beside, and exchanges the two by renaming once that is whole and on disk. What was there is kept
// aside. An attempt that fails or dies changes nothing; the next opening begins again, or ends
// an exchange that had begun.
func (s *Store) migrate(ctx context.Context) error {
	fresh := filepath.Join(s.dir, freshFolder)
	exchanging, err := s.exchanging(fresh)
	if err != nil {
		return err
	}
	if !exchanging {
		if err := s.rewrite(ctx, fresh); err != nil {
			return errors.Join(fmt.Errorf("migrating to format %d (nothing was changed): %w", format, err), os.RemoveAll(fresh))
		}
	}
	if err := s.exchange(fresh); err != nil {
		return fmt.Errorf("exchanging the folder of format 1: %w", err)
	}
	return nil
}

// exchanging reports whether the exchange had begun when the program died: the fresh folder is
// whole, and only one of the two has the data.
func (s *Store) exchanging(fresh string) (bool, error) {
	version, _, err := readFormat(filepath.Join(fresh, formatFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	whole := err == nil && version == format
	return whole && exists(filepath.Join(s.dir, natsFolder)) != exists(filepath.Join(fresh, natsFolder)), nil
}

// rewrite writes the fresh folder.
func (s *Store) rewrite(ctx context.Context, fresh string) error {
	if err := os.RemoveAll(filepath.Join(s.dir, guardFolder)); err != nil { // it remembers other files
		return err
	}
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if !exists(filepath.Join(s.dir, natsFolder)) {
		return nil // an external server has the data
	}
	if aside := filepath.Join(s.dir, asideFolder, natsFolder); exists(aside) {
		return fmt.Errorf("%s keeps the data of an earlier migration: delete it, or move it away, and start again", aside)
	}
	size, err := s.roomFor(filepath.Join(s.dir, natsFolder))
	if err != nil {
		return err
	}
	s.log.Info("migrating the data folder; this is done once", "folder", s.dir, "to", format, "bytes", size)
	start := time.Now()
	records, err := s.replay(ctx, fresh)
	if err != nil {
		return err
	}
	if err := syncTree(fresh); err != nil {
		return err
	}
	if err := writeFormat(filepath.Join(fresh, formatFile)); err != nil {
		return err
	}
	s.log.Info("migrated the data folder", "records", records, "took", time.Since(start).Round(time.Millisecond),
		"kept", filepath.Join(s.dir, asideFolder), "advice", "delete what was kept once all is well")
	return nil
}

// roomFor reports a disk that is too full for a copy of folder.
func (s *Store) roomFor(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	usage, err := vfs.Default.GetDiskUsage(folder)
	if err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	need := size + size/4 + max(s.options.MinFree, 0)
	if usage.AvailBytes < uint64(need) {
		return 0, fmt.Errorf("%w: the disk of %s has %d bytes free, and the migration needs %d: make room, or move the folder to a larger disk, and start again",
			ErrUnavailable, s.dir, usage.AvailBytes, need)
	}
	return size, nil
}

// exchange puts the fresh folder's data in the place of the old ones, each step of which may have
// been done before.
func (s *Store) exchange(fresh string) error {
	here, there := filepath.Join(s.dir, natsFolder), filepath.Join(fresh, natsFolder)
	if exists(there) {
		if exists(here) {
			aside := filepath.Join(s.dir, asideFolder)
			if err := cmp.Or(os.MkdirAll(aside, 0o700), os.Rename(here, filepath.Join(aside, natsFolder)), syncDir(aside)); err != nil {
				return err
			}
		}
		if err := os.Rename(there, here); err != nil {
			return err
		}
	}
	for _, old := range []string{viewsFolder, guardFolder} { // views are folded again; the guard begins with the new files
		if err := os.RemoveAll(filepath.Join(s.dir, old)); err != nil {
			return err
		}
	}
	if err := cmp.Or(syncDir(s.dir), writeFormat(filepath.Join(s.dir, formatFile))); err != nil {
		return err
	}
	return os.RemoveAll(fresh)
}

// syncTree makes everything below dir durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return syncDir(path)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
