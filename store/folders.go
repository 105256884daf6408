package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// SyncFolder makes the entries of a folder last a power cut.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeFolder makes dir and those above it, so that they last.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncFolder(filepath.Dir(dir))
}

// replaceFile writes a file so that after a crash it is the old one or the new one, on disk.
func replaceFile(path string, content []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// copyFile copies a file so that the copy is on disk.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// readJSON reads a file that replaceFile wrote; an absent one leaves v as it is.
func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return replaceFile(path, append(b, '\n'))
}

// settled is a folder in which someone else makes files: sync makes those that came since
// the last call last a power cut. While none came it costs one look at the folder.
type settled struct {
	dir string

	mu      sync.Mutex
	changed time.Time // of the folder when it was last synced; zero: look again
}

// clockGrain bounds how far apart two changes can be that a folder's time does not tell apart.
const clockGrain = 20 * time.Millisecond

func (s *settled) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(s.changed) {
		return nil
	}
	began := time.Now()
	if err := SyncFolder(s.dir); err != nil {
		return fmt.Errorf("syncing folder %s: %w", s.dir, err)
	}
	if began.Sub(info.ModTime()) > clockGrain { // else another file may come at the same time by the clock
		s.changed = info.ModTime()
	}
	return nil
}
