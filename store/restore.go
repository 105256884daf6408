package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bellwether/store/blocks"
)

// Restore makes the folder dir of a copy in from: the newest one that was made no later than
// at, or the newest when at is zero. It reads all that it wrote again, compares it with the copy, and checks it as
// Check does. dir must be absent or empty: a folder that is damaged is moved away first, not overwritten.
func Restore(ctx context.Context, from Depot, dir string, at time.Time) (c Copy, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return c, err
	}
	if c, err = copyAt(ctx, from, at); err != nil {
		return c, err
	}
	if err := free(dir); err != nil {
		return c, err
	}
	work := dir + ".restoring"
	if err := os.RemoveAll(work); err != nil {
		return c, err
	}
	if err := c.write(ctx, from, work); err != nil {
		return c, fmt.Errorf("restoring %s from %s: %w", dir, from, err)
	}
	report, err := Check(ctx, work)
	if err != nil {
		return c, err
	}
	for _, f := range report.Findings {
		if f.Damage {
			return c, fmt.Errorf("%w: the restored folder %s: %s %s", ErrDamaged, work, f.File, f.What)
		}
	}
	if err := os.Rename(work, dir); err != nil {
		return c, err
	}
	return c, SyncFolder(filepath.Dir(dir))
}

// copyAt chooses a copy.
func copyAt(ctx context.Context, from Depot, at time.Time) (Copy, error) {
	names, err := copyNames(ctx, from)
	if err != nil {
		return Copy{}, err
	}
	for _, name := range slices.Backward(names) {
		c, err := readCopy(ctx, from, name)
		if err != nil || at.IsZero() || !c.Made.After(at) {
			return c, err
		}
	}
	return Copy{}, fmt.Errorf("%w: %s has %d copies and none of the time asked for", ErrNotFound, from, len(names))
}

// free makes sure that dir can be made: an empty folder is removed.
func free(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeFolder(filepath.Dir(dir))
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s holds data: move it away, or name another folder", ErrConflict, dir)
	}
	return os.Remove(dir)
}

// write writes the copy's files and reads them again.
func (c Copy) write(ctx context.Context, from Depot, to string) error {
	for _, f := range c.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(to, filepath.FromSlash(f.Path))
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) || len(f.SHA256) != 2*sha256.Size {
			return fmt.Errorf("%w: the copy names a file %q", ErrDamaged, f.Path)
		}
		content, err := from.get(ctx, blobName(f.SHA256))
		if err == nil {
			err = f.same(content)
		}
		if err == nil {
			err = makeFolder(filepath.Dir(path))
		}
		if err == nil {
			err = replaceFile(path, content)
		}
		if err != nil {
			return err
		}
	}
	for _, s := range c.Streams {
		if err := restoreMark(to, s); err != nil {
			return err
		}
	}
	return c.Compare(ctx, to)
}

// restoreMark writes how far a restored stream goes.
func restoreMark(dir string, s CopiedLast) error {
	g := &guard{dir: dir}
	config, err := blocks.ReadMeta(filepath.Join(g.streams(), s.Stream))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := makeFolder(g.of(s.Stream)); err != nil {
		return err
	}
	m := &seqMark{created: config.Created.UnixNano()}
	return replaceFile(filepath.Join(g.of(s.Stream), "mark"), m.bytes(s.Last))
}

func (f CopiedFile) same(content []byte) error {
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f.SHA256 {
		return fmt.Errorf("%w: %s is not what was copied: its digest is %x, not %s", ErrDamaged, f.Path, sum, f.SHA256)
	}
	return nil
}

// Compare reads the copy's files in dir and says which is not as it was copied.
func (c Copy) Compare(ctx context.Context, dir string) error {
	for _, f := range c.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return err
		}
		if err := f.same(content); err != nil {
			return err
		}
	}
	return nil
}
