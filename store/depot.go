package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Depot is where backups are kept: a [BackupFolder], or a bucket of an object store, see [BackupBucket].
// Names have slashes.
type Depot interface {
	fmt.Stringer
	// lock keeps other backups out until release; the context that it returns ends when it fails to.
	lock(ctx context.Context) (locked context.Context, release func(), err error)
	// get returns what is kept under name, or ErrNotFound.
	get(ctx context.Context, name string) ([]byte, error)
	// put keeps content under name: the old one or the new one, whatever happens, and on disk.
	put(ctx context.Context, name string, content []byte) error
	// holds reports whether content is what is kept under name, of which list said the size.
	holds(name string, size int64, content []byte) bool
	// list returns the sizes of what has a name below folder.
	list(ctx context.Context, folder string) (map[string]int64, error)
	// remove removes a name; an absent one is no error.
	remove(ctx context.Context, name string) error
}

// BackupFolder is a [Depot] in a folder, which is made.
type BackupFolder string

// String implements [Depot].
func (f BackupFolder) String() string { return string(f) }

func (f BackupFolder) path(name string) string {
	return filepath.Join(string(f), filepath.FromSlash(name))
}

func (f BackupFolder) lock(ctx context.Context) (context.Context, func(), error) {
	if err := makeFolder(string(f)); err != nil {
		return nil, nil, err
	}
	lock, err := lockFolder(string(f))
	if err != nil {
		return nil, nil, err
	}
	return ctx, func() { _ = lock.Close() }, nil
}

func (f BackupFolder) get(_ context.Context, name string) ([]byte, error) {
	content, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return content, err
}

func (f BackupFolder) put(_ context.Context, name string, content []byte) error {
	if err := makeFolder(filepath.Dir(f.path(name))); err != nil {
		return err
	}
	return replaceFile(f.path(name), content)
}

func (f BackupFolder) holds(name string, size int64, content []byte) bool {
	if size != int64(len(content)) {
		return false
	}
	kept, err := os.ReadFile(f.path(name))
	return err == nil && bytes.Equal(kept, content)
}

func (f BackupFolder) list(ctx context.Context, folder string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := filepath.WalkDir(f.path(folder), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was kept yet
		}
		if err = errors.Join(err, ctx.Err()); err != nil || d.IsDir() || strings.HasSuffix(path, ".new") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(string(f), path)
		sizes[filepath.ToSlash(name)] = info.Size()
		return err
	})
	return sizes, err
}

func (f BackupFolder) remove(_ context.Context, name string) error { return remove(f.path(name)) }
