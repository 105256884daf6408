package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// checkpoint keeps the state of a run in a file, and the state before it in another.
type checkpoint struct {
	path, before string
	readOnly     bool
	seconds      float64 // that the last store took
}

// Load implements bellwether.Checkpoint.
func (c *checkpoint) Load(context.Context) (io.ReadCloser, error) {
	f, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// Store implements bellwether.Checkpoint.
func (c *checkpoint) Store(_ context.Context, write func(io.Writer) error) error {
	if c.readOnly {
		return nil
	}
	started := time.Now()
	if _, err := os.Stat(c.path); err == nil {
		_ = os.Remove(c.before)
		if err := os.Link(c.path, c.before); err != nil {
			return fmt.Errorf("keeping the checkpoint before: %w", err)
		}
	}
	if err := replace(c.path, write); err != nil {
		return err
	}
	c.seconds = time.Since(started).Seconds()
	return nil
}

// replace writes a file beside that of the name, brings it to the disk and takes
// the name for it: whoever opens the name finds the old file or the whole new one.
func replace(name string, write func(io.Writer) error) error {
	f, err := os.Create(name + ".new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := write(f); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}
