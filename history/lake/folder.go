package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bellwether/store"
)

// Folder is a [Target] in a folder: a name's parts are folders. A file is written under another name and then renamed. Where the
// system can, Flush makes many files durable at once, which for a turn's thousands of files takes seconds in place of minutes.
type Folder string

const unfinished = ".unfinished" // the end of the name of a file that is being written

func (f Folder) path(name string) (string, error) {
	if !fs.ValidPath(name) || strings.HasSuffix(name, unfinished) {
		return "", fmt.Errorf("lake: %q is no name of a file", name)
	}
	return filepath.Join(string(f), filepath.FromSlash(name)), nil
}

// Put implements [Target].
func (f Folder) Put(ctx context.Context, name string, r io.Reader) error {
	path, err := f.path(name)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = f.write(path, r)
	}
	if err != nil {
		return fmt.Errorf("lake: storing %s: %w", name, err)
	}
	return nil
}

func (f Folder) write(path string, r io.Reader) error {
	file, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	if err == nil {
		err = syncFile(file)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(path+unfinished, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+unfinished))
	}
	return nil
}

// Get implements [Target].
func (f Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("lake: opening %s: %w", name, err)
	}
	return file, nil
}

// List implements [Target].
func (f Folder) List(ctx context.Context, prefix string) ([]store.ObjectInfo, error) {
	begin := filepath.Join(string(f), filepath.FromSlash(prefix[:strings.LastIndexByte(prefix, '/')+1]))
	list := []store.ObjectInfo{}
	err := filepath.WalkDir(begin, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile, or nothing has been written yet
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		relative, err := filepath.Rel(string(f), path)
		name := filepath.ToSlash(relative)
		if err != nil || d.IsDir() || !strings.HasPrefix(name, prefix) || strings.HasSuffix(name, unfinished) {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			list = append(list, store.ObjectInfo{Name: name, Size: info.Size(), Time: info.ModTime()})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lake: listing %s: %w", prefix, err)
	}
	slices.SortFunc(list, func(a, b store.ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Delete implements [Target]. A folder that is empty thereafter stays.
func (f Folder) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("lake: deleting %s: %w", name, err)
	}
	return nil
}
